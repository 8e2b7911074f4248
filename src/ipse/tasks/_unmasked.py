"""Damage that nobody masked, as a mask: what ``inpaint --find`` proposes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ipse.engine.problem import Nothing
from ipse.errors import OptionError
from ipse.pictures import Mask, Picture

if TYPE_CHECKING:
    from ipse.noise.damage import Kind

ONE = {"scratches": "scratch", "dust": "speck of dust"}

IN_PARTS = (
    "--find needs the picture in memory, and this one is read part by part: give a smaller picture, "
    "or a mask with --mask"
)


def unmasked(picture: Picture, kind: "Kind") -> Mask | Nothing:
    """The mask of the scratches or the dust in a picture, or that there is nothing to restore."""
    from ipse.noise.damage import find  # here: most tasks need no SciPy

    marked = find(picture.pixels, kind)
    if not marked.any():
        return Nothing(
            f"nothing to restore: no {ONE[kind]} was found that could not belong to the scene; "
            "if the picture is damaged, mark it and give --mask",
            keep=np.ones(picture.size, np.bool_),
        )
    share = 100 * float(marked.mean())
    return Mask(~marked, inverted=False, said=f"{kind} found: {share:.2g} % of the picture")


def check(mask: Any, find: Any) -> None:
    """Refuse a mask together with what to find, and neither."""
    if mask is None and find is None:
        raise OptionError("no pixel is marked: give a mask with --mask, or --find scratches or --find dust")
    if mask is not None and find is not None:
        raise OptionError(f"--mask and --find {find} are both given: remove one")
