"""Noise is the same all over: a large picture's is read in squares of it."""

import torch
from torch import Tensor

SIDE = 256  # pixels
COUNT = 4  # squares down, and across; more of them along one side where the other is shorter than that


def squares(y: Tensor) -> Tensor:
    """A mosaic of squares, evenly spread, of a picture (1, C, H, W) much larger than that; else the picture."""
    height, width = y.shape[-2:]
    most = (COUNT * SIDE) ** 2
    if height * width <= 2 * most:
        return y
    rows = _taken(y, -2, max(COUNT * SIDE, most // width))
    return _taken(rows, -1, max(COUNT * SIDE, most // height))


def _taken(y: Tensor, axis: int, wanted: int) -> Tensor:
    """So many rows (or columns), in bands that are evenly spread; all where there are no more."""
    length = y.shape[axis]
    if length <= wanted:
        return y
    bands = wanted // SIDE
    starts = [round(i * (length - SIDE) / (bands - 1)) for i in range(bands)]
    return torch.cat([y.narrow(axis, start, SIDE) for start in starts], axis)
