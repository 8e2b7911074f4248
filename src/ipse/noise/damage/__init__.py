"""Damage that nobody marked: scratches, hairs and dust, found in the picture alone."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ipse.noise.damage.scratches import scratches
from ipse.noise.damage.specks import specks

__all__ = ["Kind", "find"]

Kind = Literal["scratches", "dust"]


def find(y: NDArray[np.float32], kind: Kind) -> NDArray[np.bool_]:
    """Where a picture (C, H, W), on [0, 1], is damaged: (H, W); False all over if nothing is sure."""
    return (scratches if kind == "scratches" else specks)(y)
