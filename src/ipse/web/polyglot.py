"""One file, one meaning: a picture that is also an archive, a document or a page is refused."""

import zipfile
from pathlib import Path

from ipse.errors import PictureError

HEAD = 1024  # bytes in which browsers and readers look for what a file is
SIGNS = {
    b"%pdf-": "a PDF document",
    b"<html": "a web page",
    b"<!doctype": "a web page",
    b"<script": "a script",
}


class Polyglot(PictureError):  # noqa: N818 - reads as the sentence it prints
    """A file that is a picture and something else."""


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
