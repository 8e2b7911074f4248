"""Pillow's images as pictures, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ipse.errors import PictureError
from ipse.pictures.lab import signs_turned
from ipse.pictures.levels import Samples, full_scale
from ipse.pictures.metadata import PREFIX, metadata_of
from ipse.pictures.picture import PILLOW, Picture

MODELS = {mode: model for model, mode in PILLOW.items()}
BLACK = np.array([0, 0, 0, 255], np.uint8)
STRAIGHT = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA", "RGBX": "RGB"}


def from_pil(image: Image.Image, *, name: str = "the picture") -> Picture:
    """Make a picture from a PIL image of any mode; a colour that is marked as transparent becomes alpha.

    Raises:
        PictureError: the image has no pixels.
    """
    if not image.width or not image.height:
        raise PictureError(
            f"{name}: an image of {image.width}×{image.height} has no pixels; give at least 1×1"
        )
    common: dict[str, Any] = {
        "metadata": metadata_of(image),
        "format": image.format,
        "frames": getattr(image, "n_frames", 1),
        "name": name,
    }
    if image.mode == "P":
        return _from_palette(image, common)
    straight = image.convert(STRAIGHT[image.mode]) if image.mode in STRAIGHT else image
    array = np.asarray(straight)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    array = signs_turned(array) if straight.mode == "LAB" else array
    alpha = None
    if straight.mode in ("LA", "RGBA"):
        array, alpha = array[..., :-1], array[..., -1]
        array = array[..., 0] if straight.mode == "LA" else array
    elif "transparency" in straight.info:
        alpha = _from_key(array, straight.info["transparency"])
    model = MODELS.get(straight.mode.removesuffix("A") if straight.mode == "RGBA" else straight.mode, "gray")
    return Picture(array, alpha=alpha, model=model, **common)


def _from_key(array: Samples, key: object) -> Samples | None:
    """Make alpha from the colour that is marked as transparent."""
    marked = array == np.asarray(key).astype(array.dtype)  # for bits, the colour is given as 0 or 255
    marked = marked.all(axis=-1) if array.ndim == 3 else marked
    kind = np.uint8 if array.dtype.kind == "b" else array.dtype
    return np.where(marked, 0, full_scale(np.dtype(kind))).astype(kind)


def _from_palette(image: Image.Image, common: dict[str, Any]) -> Picture:
    samples = np.asarray(image)
    clear = image.info.get("transparency")
    has_alpha = clear is not None or (image.palette is not None and image.palette.mode == "RGBA")
    table = np.array(image.getpalette("RGBA") or [], np.uint8).reshape(-1, 4)
    missing = int(samples.max()) + 1 - len(table)
    if missing > 0:  # indices without an entry are shown as black
        table = np.concatenate([table, np.tile(BLACK, (missing, 1))])
    if isinstance(clear, bytes):
        table[: len(clear), 3] = np.frombuffer(clear, np.uint8)[: len(table)]
    elif isinstance(clear, int) and clear < len(table):
        table[clear, 3] = 0
    if not has_alpha:
        return Picture(samples, model="palette", palette=table[:, :3], **common)
    return Picture(samples, alpha=table[samples][..., 3], model="palette", palette=table, **common)


def to_pil(picture: Picture) -> Image.Image:
    """Return a PIL image of the picture's mode, with profile, EXIF, XMP and resolution in ``info``.

    Raises:
        PictureError: Pillow has no such mode (16-bit colour, many channels, float64).
    """
    image = _image(picture)
    meta = picture.metadata
    said = {
        "icc_profile": meta.icc,
        "exif": PREFIX + meta.exif if meta.exif else None,
        "xmp": meta.xmp,
        "dpi": meta.dpi,
        "comment": meta.comment,
    }
    image.info.update({key: value for key, value in said.items() if value is not None})
    return image


def _image(picture: Picture) -> Image.Image:
    if picture.palette is not None:
        return _to_palette(picture.samples, picture.palette)
    samples: NDArray[Any] = picture.samples
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[..., 0]
    if picture.alpha is not None:
        samples = (
            samples * np.uint8(255) if samples.dtype.kind == "b" else samples
        )  # 1-bit modes have no alpha
        alpha = picture.alpha.astype(samples.dtype, copy=False)
        samples = np.dstack([samples, alpha])
    plain = samples.ndim == 2 and picture.mode in ("1", "L", "I;16", "I", "F")
    colour = samples.dtype == np.uint8 and picture.model != "channels"
    if not plain and not colour:
        raise PictureError(f"{picture.name}: Pillow has no mode for {picture.mode}; take to_array() instead")
    if picture.model in ("cmyk", "ycbcr", "lab", "hsv"):
        samples = signs_turned(samples) if picture.model == "lab" else samples
        return _raw(PILLOW[picture.model], samples)
    return Image.fromarray(np.ascontiguousarray(samples))


def _raw(mode: str, samples: Samples) -> Image.Image:
    height, width = samples.shape[:2]
    return Image.frombytes(mode, (width, height), np.ascontiguousarray(samples).tobytes())


def _to_palette(samples: NDArray[np.uint8], palette: NDArray[np.uint8]) -> Image.Image:
    image = _raw("P", samples)
    image.putpalette(np.ascontiguousarray(palette[:, :3]).tobytes(), "RGB")
    if palette.shape[1] == 4:
        clear = palette[:, 3]
        whole = np.flatnonzero(clear < 255)
        # GIF allows only one transparent entry, given by its index; PNG accepts this form as well.
        single = len(whole) == 1 and clear[whole[0]] == 0
        image.info["transparency"] = int(whole[0]) if single else clear.tobytes()
    return image
