"""Noise is the same all over: a large picture's is read in squares of it."""

import torch
from torch import Tensor

SIDE = 256  # pixels
COUNT = 4  # squares down, and across


def squares(y: Tensor) -> Tensor:
    """A mosaic of squares, evenly spread, of a picture (1, C, H, W) much larger than that; else the picture."""
    height, width = y.shape[-2:]
    side = COUNT * SIDE
    if min(height, width) < side or height * width <= 2 * side**2:
        return y
    tops, lefts = (
        [round(i * (length - SIDE) / (COUNT - 1)) for i in range(COUNT)] for length in (height, width)
    )
    rows = [torch.cat([y[..., top : top + SIDE, left : left + SIDE] for left in lefts], -1) for top in tops]
    return torch.cat(rows, -2)
