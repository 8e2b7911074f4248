"""Views of pictures for browsers; see ``ipse.pictures.views``."""

from ipse.pictures.views import SIDE, UPRIGHT, upright_size, view

__all__ = ["SIDE", "UPRIGHT", "upright_size", "view"]
