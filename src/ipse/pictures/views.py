"""x ↦ a PNG for browsers: upright, 8 bits, in the picture's own colours."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ipse.pictures.picture import Picture
from ipse.pictures.pillow import to_pil

SIDE = 1280  # maximum side of a live preview, in pixels
INKS = ("cmyk", "ycbcr", "lab", "hsv")  # models that must be converted to RGB for display
Turn = Image.Transpose
UPRIGHT = {
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_270,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_90,
}


def view(picture: Picture, pixels: NDArray[np.float32] | None = None, *, side: int | None = None) -> bytes:
    """Return a view of a picture as a PNG file.

    Args:
        picture: the picture, or the one that the pixels belong to.
        pixels: (C, H, W) in [0, 1], instead of the picture's own.
        side: maximum side of the view, in pixels; None for full resolution.
    """
    image = image_of(picture, picture.pixels if pixels is None else pixels, side=side)
    return png_of(image, profile_of(picture))


def image_of(picture: Picture, pixels: NDArray[np.float32], *, side: int | None = None) -> Image.Image:
    """Return what ``view`` writes."""
    image = _seen(picture, pixels)
    if side is not None and max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.BOX)
    if picture.alpha is not None:
        image.putalpha(_opacity(picture.alpha).resize(image.size))
    if picture.orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[picture.orientation])
    return image


def profile_of(picture: Picture) -> bytes | None:
    """The colour profile of a picture's views."""
    return picture.metadata.icc if picture.model not in INKS else None


def png_of(image: Image.Image, profile: bytes | None = None) -> bytes:
    """An image as a PNG that is quick to write."""
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1, icc_profile=profile)
    return stream.getvalue()


def upright_size(picture: Picture) -> tuple[int, int]:
    """Return (H, W) of the upright picture."""
    height, width = picture.size
    return (width, height) if picture.orientation >= 5 else (height, width)


def _seen(picture: Picture, pixels: NDArray[np.float32]) -> Image.Image:
    """Gray or RGB, as stored; the first three of more channels."""
    if picture.model in INKS:
        return to_pil(picture.like(pixels)).convert("RGB")
    plane = np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8)
    if plane.shape[0] < 3:
        return Image.fromarray(np.ascontiguousarray(plane[0]))
    return Image.fromarray(np.ascontiguousarray(np.moveaxis(plane[:3], 0, -1)))


def _opacity(alpha: NDArray[np.generic]) -> Image.Image:
    """Alpha in 8 bits."""
    values = alpha.astype(np.float64)
    top = 1.0 if alpha.dtype.kind in "fb" else float(np.iinfo(alpha.dtype.name).max)
    return Image.fromarray(np.rint(255 * np.clip(values / top, 0, 1)).astype(np.uint8))
