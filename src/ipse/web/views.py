"""The views of a picture that lie beside it: one at full resolution, and a thumbnail for lists."""

from pathlib import Path

from ipse.pictures import Picture, write_bytes
from ipse.pictures.views import view
from ipse.web.places import THUMB, VIEW

THUMB_SIDE = 256  # maximum side of a thumbnail, in pixels: twice what the page shows, for fine screens


def write_views(folder: Path, picture: Picture) -> None:
    """Write a picture's view and its thumbnail."""
    write_bytes(folder / VIEW, view(picture), overwrite=True)
    write_bytes(folder / THUMB, view(picture, side=THUMB_SIDE), overwrite=True)
