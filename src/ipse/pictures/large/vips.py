"""Read PNG, JPEG and other formats of libvips window by window.

These files can only be decoded from their beginning: libvips does so once, into a temporary file, and windows are
read from that.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ipse.pictures import Metadata, jpeg_info
from ipse.pictures.large.source import Source, damaged
from ipse.pictures.levels import Samples
from ipse.pictures.metadata import metadata_of

TYPES = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32, "double": np.float64}
MODELS = {"srgb": "rgb", "rgb": "rgb", "rgb16": "rgb", "b-w": "gray", "grey16": "gray", "cmyk": "cmyk"}
COLOURS = {"rgb": 3, "gray": 1, "cmyk": 4}
FORMATS = {"pngload": "PNG", "jpegload": "JPEG", "webpload": "WEBP", "tiffload": "TIFF"}


def header_size(path: Path) -> tuple[int, int] | None:
    """Return (H, W) from the header; None if libvips cannot read the file."""
    import pyvips

    try:
        image: Any = pyvips.Image.new_from_file(str(path), access="sequential", revalidate=True)
    except pyvips.Error:
        return None
    return int(image.height), int(image.width)


def vips_source(path: Path, *, coefficients: bool = False) -> Source | None:
    """Open a file; None if its samples would have to be converted.

    Args:
        path: the file.
        coefficients: whether to include the quantisation of a JPEG file, with two bytes per coefficient.
    """
    import pyvips

    try:
        image: Any = pyvips.Image.new_from_file(
            str(path),
            access="random",
            fail_on="truncated",
            revalidate=True,  # otherwise libvips may return a cached result for a file that has changed
        )
    except (pyvips.Error, UnicodeError):  # libvips only accepts names that are valid text
        return None
    model, form = MODELS.get(image.interpretation), FORMATS.get(image.get("vips-loader").split("_")[0])
    indexed = image.get_typeof("palette") and image.get("palette")
    if image.format not in TYPES or model is None or form is None or indexed or image.get_typeof("n-pages"):
        return None
    extra = image.bands - COLOURS[model]
    if extra not in (0, 1):
        return None
    return Source(
        name=str(path),
        size=(image.height, image.width),
        channels=COLOURS[model],
        dtype=np.dtype(TYPES[image.format]),
        window=lambda rows, columns: _window(image, str(path), rows, columns),
        model=model,
        alpha=bool(extra),
        metadata=_metadata(path, form),
        format=form,
        jpeg=jpeg_info(path.read_bytes()) if coefficients and form == "JPEG" else None,
    )


def _window(image: Any, name: str, rows: slice, columns: slice) -> Samples:
    import pyvips

    width, height = columns.stop - columns.start, rows.stop - rows.start
    try:
        data = image.crop(columns.start, rows.start, width, height).write_to_memory()
    except pyvips.Error as error:
        raise damaged(name, str(error)) from None
    return np.frombuffer(data, TYPES[image.format]).reshape(height, width, image.bands)


def _metadata(path: Path, form: str) -> Metadata:
    """The metadata in the header, read by Pillow without decoding."""
    Image.init()
    with path.open("rb") as file, Image.OPEN[form][0](file, str(path)) as image:
        return metadata_of(image)


def png_size(head: bytes) -> tuple[int, int]:
    """Return (H, W) from the first 24 bytes of a PNG file."""
    width, height = struct.unpack(">II", head[16:24])
    return height, width
