"""JPEG clean-up: find a likely picture among those that the file can have been made from.

    argmin_θ dist(f_θ, cells)²,     cells = {x : |DCT(x) − c q| ≤ q/2}

Every coefficient that the file stores says in which interval the original's lay; the result lies within.
"""

from typing import TYPE_CHECKING, Annotated

from ipse.errors import OptionError
from ipse.settings import Settings

if TYPE_CHECKING:
    import torch

    from ipse.operators.jpeg import JpegCells
    from ipse.pictures import JpegInfo, Picture
    from ipse.problem import Nothing, Problem


def dejpeg(
    picture: "Picture",
    settings: Settings = Settings(),
    *,
    quality: Annotated[int | None, "IJG quality 1 to 100, if the picture is no JPEG file any more."] = None,
) -> "Problem | Nothing":
    """Take the blocks, ringing and lost detail of JPEG out of a picture.

    Raises:
        OptionError: a quality out of range.
    """
    raise NotImplementedError
