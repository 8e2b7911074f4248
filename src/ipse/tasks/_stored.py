"""t: half a quantisation level of the stored samples, which is the accuracy to which the measurement is known."""

import numpy as np
from torch import Tensor

from ipse.pictures import Picture

HALF = 0.49  # t in levels; values closer than that round to the same level
DEPTHS = (8, 10, 12, 14, 16)  # bit depths of which floats may hold the levels
NEAR = 0.02  # tolerance in levels, for single precision
# Limits of the level: the first is used for floats without levels, the second for drawings with few of them.
FINEST, COARSEST = 2**-16, 1 / 255


def rounding(picture: Picture, y: Tensor) -> float:
    """t for a picture with pixels y, in the units of y."""
    step = float(picture.levels.gain) ** -1 if picture.levels and picture.dtype.kind != "f" else _step(y)
    return HALF * float(np.clip(step, FINEST, COARSEST))


def _step(y: Tensor) -> float:
    """The distance between the levels of float samples; 0 if there are no levels."""
    for scale in (float(2**bits - 1) for bits in DEPTHS):
        if float((y * scale - (y * scale).round()).abs().max()) < NEAR:
            return 1 / scale
    return 0.0
