"""Windows: pictures that are never whole in memory, read part by part and written part by part. NumPy only."""

from ipse.windows.draft import Draft
from ipse.windows.open import opened, size_of
from ipse.windows.source import Source
from ipse.windows.write import FORMATS, check_room, encode, put

__all__ = ["FORMATS", "Draft", "Source", "check_room", "encode", "opened", "put", "size_of"]
