"""t: half a level of what is stored in levels. What was measured is known to within it, and no better."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.pictures import Picture

HALF = 0.49  # of a level: rounded again, what lies so near is the same
DEPTHS = (8, 10, 12, 14, 16)  # bits, whose levels floats may hold
NEAR = 0.02  # of a level, beside which single precision puts it
FINEST, COARSEST = 2**-16, 1 / 255  # levels: of floats that hold none, and of drawings in a few


def rounding(picture: "Picture", y: "Tensor") -> float:
    """t of a picture whose pixels are y, in their units."""
    step = float(picture.levels.gain) ** -1 if picture.levels and picture.dtype.kind != "f" else _step(y)
    return HALF * float(np.clip(step, FINEST, COARSEST))


def _step(y: "Tensor") -> float:
    """How far the levels of floats lie apart; 0 where there are none."""
    for scale in (float(2**bits - 1) for bits in DEPTHS):
        if float((y * scale - (y * scale).round()).abs().max()) < NEAR:
            return 1 / scale
    return 0.0
