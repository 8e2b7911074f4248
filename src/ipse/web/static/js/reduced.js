// A copy of a large picture in the size of a screen, so that the page answers at once while it is moved.

const LARGE = 4e6; // pixels from which a copy is worth it
const SIDE = 2048; // pixels of the copy's longer side

// The copy's address and width; null for a picture that is small itself. Nothing of it is done by the page's own thread.
export async function reduced(image) {
  const { naturalWidth: wide, naturalHeight: high } = image;
  if (wide * high < LARGE) return null;
  const share = Math.min(1, SIDE / Math.max(wide, high));
  const size = { resizeWidth: Math.round(wide * share), resizeHeight: Math.round(high * share), resizeQuality: "medium" };
  const bitmap = await createImageBitmap(image, size);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
  const copy = await canvas.convertToBlob({ type: "image/png" });
  return { address: URL.createObjectURL(copy), width: canvas.width };
}
