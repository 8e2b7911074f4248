"""Large pictures, which are read and written window by window and are never in memory completely. NumPy only."""

from ipse.pictures.large.draft import Draft
from ipse.pictures.large.open import opened, size_of
from ipse.pictures.large.source import Source
from ipse.pictures.large.write import FORMATS, check_room, encode, put

__all__ = ["FORMATS", "Draft", "Source", "check_room", "encode", "opened", "put", "size_of"]
