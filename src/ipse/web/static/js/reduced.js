// A copy of a large picture in the size of a screen, which is moved at once.

const LARGE = 4e6;
const SIDE = 2048;

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
