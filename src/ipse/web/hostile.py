"""Files made to harm: refused before anything in them is decoded."""

import warnings
import zipfile
from pathlib import Path

from PIL import Image

from ipse.errors import PictureError

HEAD = 1024  # bytes in which browsers and readers look for what a file is
SIGNS = {
    b"%pdf-": "a PDF document",
    b"<html": "a web page",
    b"<!doctype": "a web page",
    b"<script": "a script",
}
PIXELS = 2**27  # that a picture may have here: a stranger's file is given less than one's own


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
            f"{name}: is {found} too; expected a picture and nothing else; save it anew as a picture"
        )


def check_pixels(path: Path, name: str) -> None:
    """Refuse a picture whose header says too many pixels; files that Pillow does not know are left to ``read``.

    Raises:
        TooManyPixels: says how many there may be.
    """
    said = f"{name}: has too many pixels; expected at most {PIXELS >> 20} million here; crop it or make it smaller"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        raise TooManyPixels(said) from None
    except Exception:  # any decoder's own: what is wrong is said by ``read``
        return
    if width * height > PIXELS:
        raise TooManyPixels(said)
