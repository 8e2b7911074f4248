"""The views of a picture that lie beside it: one at full resolution, and a thumbnail for lists."""

from pathlib import Path

from PIL import Image

from ipse.pictures import Picture, write_bytes
from ipse.pictures.views import image_of, png_of, profile_of
from ipse.web.places import THUMB, VIEW

THUMB_SIDE = 256  # maximum side of a thumbnail, in pixels: twice what the page shows, for fine screens


def write_views(folder: Path, picture: Picture) -> None:
    """Write a picture's view and its thumbnail."""
    image, profile = image_of(picture, picture.pixels), profile_of(picture)
    small = image.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
    write_bytes(folder / THUMB, png_of(small, profile), overwrite=True)
    write_bytes(folder / VIEW, png_of(image, profile), overwrite=True)
