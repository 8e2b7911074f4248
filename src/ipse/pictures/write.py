"""Write a picture to a file: atomically, with all metadata, and lossless if the format allows."""

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ipse.errors import OutputError, PictureError, RunError, one_line
from ipse.pictures.arrays import encode_array
from ipse.pictures.files import is_stream, to_stdout, write_bytes
from ipse.pictures.formats import check_target
from ipse.pictures.heif import encode_heif
from ipse.pictures.metadata import PREFIX
from ipse.pictures.picture import Picture
from ipse.pictures.pillow import to_pil
from ipse.pictures.png import encode_png
from ipse.pictures.tiff import encode_tiff

QUALITY = 95  # quality of lossy formats; above it JPEG files grow without visible improvement
OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": QUALITY, "subsampling": "4:4:4", "optimize": True},
    "WEBP": {"lossless": True, "exact": True, "method": 4},
    "AVIF": {"quality": QUALITY, "subsampling": "4:4:4", "speed": 6},
    "HEIF": {"quality": QUALITY, "chroma": 444},
}
NO_GRAY = {"WEBP", "AVIF", "HEIF"}  # formats without gray
NO_PALETTE = {"JPEG", "WEBP", "AVIF", "HEIF", "PPM"}
NO_BITS = {"JPEG", "WEBP", "AVIF", "HEIF"}
GRAY = b"GRAY"  # the colour space of a profile
SAMPLE = 8  # side in pixels of the crop for a trial, the minimum of some encoders


def write(
    picture: Picture, target: str | Path, *, overwrite: bool = False, format: str | None = None
) -> None:
    """Write a picture.

    PNG, TIFF, WebP, BMP and PPM keep every sample; JPEG, AVIF and HEIC are written at quality 95 without
    chroma subsampling. Profile, EXIF (with the orientation), XMP and resolution go along where the format has
    a place for them.

    Args:
        picture: the picture to write.
        target: a path, or "-" for standard output.
        overwrite: whether an existing file may be replaced.
        format: "PNG", "JPEG", …; by default chosen by the target's suffix; for "-" the picture's own format.

    Raises:
        OutputError: the path or the format is not possible for the picture; nothing was changed.
        RunError: writing failed midway; no partial file is left.
    """
    name = check_target(picture, target, overwrite=overwrite, format=format)
    data = _encoded(picture, name, target)
    if is_stream(target):
        to_stdout(data)
    else:
        write_bytes(target, data, overwrite=overwrite)


def _encoded(picture: Picture, name: str, target: str | Path) -> bytes:
    try:
        return encode(picture, format=name)
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0]
        raise RunError(
            f"{target}: encoding as {name} failed ({reason}); nothing was written; try .png"
        ) from None


def encode(picture: Picture, *, format: str) -> bytes:
    """Return the bytes of the file; ``format`` is a name returned by ``check_target``."""
    if format == "PNG":
        return encode_png(picture)
    if format == "NPY":
        return encode_array(picture)
    if format == "TIFF":
        clear = picture.palette is not None and picture.alpha is not None  # TIFF's palettes have no alpha
        return encode_tiff(_looked_up(picture) if clear else picture)
    adapted = _adapted(picture, format)
    image, picture = to_pil(adapted), adapted
    if format == "HEIF":
        return encode_heif(image, **OPTIONS["HEIF"])
    meta, stream = picture.metadata, io.BytesIO()
    said: dict[str, Any] = {"icc_profile": meta.icc, "xmp": meta.xmp, "comment": meta.comment}
    if meta.exif:
        said["exif"] = PREFIX + meta.exif
    if meta.dpi:
        said["dpi"] = tuple(round(value) for value in meta.dpi) if format == "JPEG" else meta.dpi
    if "transparency" in image.info:
        said["transparency"] = image.info["transparency"]
    said = {key: value for key, value in said.items() if value is not None}
    image.info.clear()
    image.save(stream, format, **OPTIONS.get(format, {}), **said)
    return stream.getvalue()


def check_encoding(picture: Picture, target: str | Path, *, format: str) -> None:
    """Encode a corner of a picture with all metadata, to find out before any work what cannot be written.

    Raises:
        OutputError: the format cannot store the picture.
    """
    side = slice(0, SAMPLE)
    try:
        encode(replace(picture.crop(side, side), jpeg=None), format=format)
    except (OSError, ValueError, RuntimeError, TypeError, OverflowError, struct.error, PictureError) as error:
        said = one_line(str(error)) or type(error).__name__
        raise OutputError(
            f"{target}: {format} cannot store all metadata of {picture.name} ({said}); expected .png or .tif"
        ) from None


def _adapted(picture: Picture, format: str) -> Picture:
    """Convert to a mode that the format supports, without changing the appearance."""
    if picture.palette is not None and format in NO_PALETTE:
        picture = _looked_up(picture)
    if format == "GIF" and picture.palette is not None:
        picture = _one_clear(picture)
    if picture.dtype.kind == "b" and (format in NO_BITS or picture.alpha is not None):
        picture = replace(picture, samples=picture.samples.astype(np.uint8) * np.uint8(255), levels=None)
    single = picture.model == "gray"
    if single and (format in NO_GRAY or (format == "TGA" and picture.alpha is not None)):
        plane = picture.samples.reshape(picture.size)
        meta = picture.metadata
        if meta.icc and meta.icc[16:20] == GRAY:  # a gray profile does not apply to colours
            meta = replace(meta, icc=None)
        picture = replace(picture, samples=np.dstack([plane] * 3), model="rgb", metadata=meta)
    return picture


def _one_clear(picture: Picture) -> Picture:
    """Give all transparent pixels of a palette picture the same entry, because GIF can mark only one."""
    palette, samples = picture.palette, picture.samples
    if palette is None or palette.shape[1] == 3:
        return picture
    clear = np.flatnonzero(palette[:, 3] == 0)
    table = palette.copy()
    table[clear[1:], 3] = 255
    if len(clear) > 1:
        samples = np.where(np.isin(samples, clear), clear[0].astype(np.uint8), samples)
    return replace(picture, samples=samples, palette=table)


def _looked_up(picture: Picture) -> Picture:
    return replace(picture, samples=picture.colours, model="rgb", palette=None, levels=None)
