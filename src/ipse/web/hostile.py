"""Files made to harm: refused by their headers, before anything in them is decoded."""

import warnings
import zipfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from ipse.errors import PictureError
from ipse.pictures.tiff import MAGIC

HEAD = 1024  # bytes in which browsers and readers look for what a file is
SIGNS = {
    b"%pdf-": "a PDF document",
    b"<html": "a web page",
    b"<!doctype": "a web page",
    b"<script": "a script",
}
PIXELS = 2**27  # that a picture may have here: a stranger's file is given less than one's own
WEIGHT = 2**29  # bytes decoded: those pixels in 8-bit RGB and alpha, or fewer of more channels or bits
SIDE = 2**16  # pixels of the longest: more are of no camera, and cost as much as their square
PACKED = 256  # bytes decoded for each in the file: no photograph packs so well …
LARGE = 2**27  # … and more of them than this are looked at so
DEEP = {
    "P": 3,
    "I;16": 2,
    "I;16B": 2,
    "I;16L": 2,
    "I": 4,
    "F": 4,
}  # bytes of a band in Pillow's modes; else 1


class Polyglot(PictureError):  # noqa: N818 - reads as the sentence it prints
    """A file that is a picture and something else."""


class TooManyPixels(PictureError):  # noqa: N818 - reads as the sentence it prints
    """A file that would be far larger decoded."""


def check_single(path: Path, name: str) -> None:
    """Refuse a file that another program would take for something else.

    Raises:
        Polyglot: says what else it is.
    """
    with path.open("rb") as file:
        head = file.read(HEAD).lower()
    found = next((what for sign, what in SIGNS.items() if sign in head), None)
    if found is None and zipfile.is_zipfile(path):
        found = "a ZIP archive"
    if found is not None:
        raise Polyglot(
            f"{name}: is also {found}; expected a picture and nothing else; save it again as a picture"
        )


def weighed(path: Path, name: str) -> int:
    """Return the bytes that a picture has decoded, by its header; 0 of what is left to ``read`` to refuse.

    Raises:
        TooManyPixels: says how large it would be and what may be.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = _said(path)
    except Image.DecompressionBombError:
        raise TooManyPixels(
            f"{name}: has too many pixels; expected at most {PIXELS >> 20} million here; make it smaller"
        ) from None
    if found is None:
        return 0
    width, height, each = found
    weight = width * height * each
    said = f"{name}: {width}×{height} pixels of {each} bytes"
    if width * height > PIXELS or max(width, height) > SIDE or weight > WEIGHT:
        raise TooManyPixels(
            f"{said} are too many; expected at most {PIXELS >> 20} million pixels, {SIDE} a side and "
            f"{WEIGHT >> 20} MiB decoded here; crop it, make it smaller, or use the command"
        )
    if weight > LARGE and weight > PACKED * path.stat().st_size:
        raise TooManyPixels(
            f"{said} in a file of {path.stat().st_size} bytes; expected at most {PACKED} bytes decoded for each; "
            "save it without compression, or use the command"
        )
    return weight


def _said(path: Path) -> tuple[int, int, int] | None:
    """Width, height and bytes a pixel by the header; None where no header can be read."""
    with path.open("rb") as file:
        tiff = file.read(4) in MAGIC
    try:
        return _tiff(path) if tiff else _pillow(path)
    except Image.DecompressionBombError:
        raise
    except Exception:  # any decoder's own: what is wrong is said by ``read``
        return None


def _pillow(path: Path) -> tuple[int, int, int]:
    with Image.open(path) as image:
        return *image.size, len(image.getbands()) * DEEP.get(image.mode, 1)


def _tiff(path: Path) -> tuple[int, int, int]:
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        depth = 1 if page.dtype is None else np.dtype(page.dtype).itemsize
        return int(page.imagewidth), int(page.imagelength), int(page.samplesperpixel) * depth
