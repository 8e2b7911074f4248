"""Malicious files: rejected by their headers, before anything is decoded."""

import warnings
import zipfile
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from ipse.errors import PictureError
from ipse.pictures.tiff import MAGIC

HEAD = 1024  # number of bytes in which browsers and readers look for a file's type
SIGNS = {
    b"%pdf-": "a PDF document",
    b"<html": "a web page",
    b"<!doctype": "a web page",
    b"<script": "a script",
}
PIXELS = 2**27  # maximum number of pixels, lower than for the user's own files on the command line
WEIGHT = (
    2**29
)  # maximum decoded size in bytes: these pixels in 8-bit RGBA, or fewer with more channels or bits
SIDE = 2**16  # maximum side in pixels, more than any camera has
PACKED = 256  # maximum ratio of the decoded to the stored size, higher than that of any photograph
LARGE = 2**27  # decoded size in bytes from which this ratio is checked
DEEP = {
    "P": 3,
    "I;16": 2,
    "I;16B": 2,
    "I;16L": 2,
    "I": 4,
    "F": 4,
}  # bytes per sample in Pillow's modes; 1 for all others


class Polyglot(PictureError):  # noqa: N818 - the established name for such a file
    """A file is a picture and something else as well."""


class TooManyPixels(PictureError):  # noqa: N818 - the name already states the error
    """A file is too large when decoded."""


def check_single(path: Path, name: str) -> None:
    """Reject a file that another program could interpret as something else.

    Raises:
        Polyglot: the file is something else as well; the message says what.
    """
    with path.open("rb") as file:
        head = file.read(HEAD).lower()
    found = next((what for sign, what in SIGNS.items() if sign in head), None)
    if found is None and zipfile.is_zipfile(path):
        found = "a ZIP archive"
    if found is not None and name.lower().endswith(".npz"):
        raise PictureError(
            f"{name}: .npz files are read by the command only; save the kernel with numpy.save, as .npy"
        )
    if found is not None:
        raise Polyglot(
            f"{name}: is also {found}; expected a picture and nothing else; save it again as a picture"
        )


def weighed(path: Path, name: str) -> int:
    """Return the decoded size of a picture in bytes, by its header; 0 for files that ``read`` will reject.

    Raises:
        TooManyPixels: the picture is too large; the message gives its size and the limit.
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
    """Width, height and bytes per pixel from the header; None if the header cannot be read."""
    with path.open("rb") as file:
        tiff = file.read(4) in MAGIC
    try:
        return _tiff(path) if tiff else _pillow(path)
    except Image.DecompressionBombError:
        raise
    except Exception:  # any error of a decoder; ``read`` will report it
        return None


def _pillow(path: Path) -> tuple[int, int, int]:
    with Image.open(path) as image:
        return *image.size, len(image.getbands()) * DEEP.get(image.mode, 1)


def _tiff(path: Path) -> tuple[int, int, int]:
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        depth = 1 if page.dtype is None else np.dtype(page.dtype).itemsize
        return int(page.imagewidth), int(page.imagelength), int(page.samplesperpixel) * depth
