"""ȳ = Σ m y / Σ m over cells of s × s pixels: downsample a picture for a coarse fit, and upsample its result.

The picture is read in bands of rows, so that it need not be in memory completely.
"""

from collections.abc import Callable
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from ipse.pictures import Known, Mask, Picture

BAND = 256  # approximate number of rows that are read at a time

Crop = Callable[[slice, slice], Picture]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


def grain(size: tuple[int, int], side: int) -> int:
    """The side s of the cells that leave about ``side``² of them of a picture of ``size`` (H, W)."""
    return ceil(sqrt(size[0] * size[1]) / side)


def shrunk(
    size: tuple[int, int], step: int, crop: Crop, known: Flags | Mask | Known
) -> tuple[Picture, Flags]:
    """Average a picture over cells of ``step``² pixels.

    Args:
        size: (H, W) of the picture.
        step: s.
        crop: returns a part of it, given (rows, columns).
        known: m (H, W); cells without any known pixel are black.

    Returns:
        The small picture, its samples float32, and where anything of a cell is known.
    """
    means: list[Floats] = []
    seen: list[Flags] = []
    height = max(1, BAND // step) * step
    for top in range(0, size[0], height):
        rows = slice(top, min(top + height, size[0]))
        columns = slice(0, size[1])
        weight = known[rows, columns].astype(np.float32)
        pixels = crop(rows, columns).pixels * weight
        count = _sums(weight, step)
        means.append(np.clip(_sums(pixels, step) / np.maximum(count, 1), 0, 1).astype(np.float32, copy=False))
        seen.append(count > 0)
    small = np.moveaxis(np.concatenate(means, 1), 0, -1)
    return Picture.from_array(small, alpha=False, name="the picture made small"), np.concatenate(seen)


def _sums(values: Floats, step: int) -> Floats:
    """Sums over the cells of (…, H, W)."""
    for axis in (-2, -1):
        values = np.add.reduceat(values, np.arange(0, values.shape[axis], step), axis=axis)
    return values


def large(small: Floats, step: int, rows: slice, columns: slice) -> Floats:
    """Interpolate a small picture (C, h, w) linearly in a window of the whole picture."""
    for axis, part in ((-2, rows), (-1, columns)):
        length = small.shape[axis]
        place = (np.arange(part.start, part.stop) - (step - 1) / 2) / step
        first = np.clip(np.floor(place).astype(np.int64), 0, max(0, length - 2))
        share = np.clip(place - first, 0, 1).astype(np.float32)
        shape = (-1, 1) if axis == -2 else (-1,)
        one, other = (small.take(np.minimum(first + k, length - 1), axis) for k in (0, 1))
        small = one + (other - one) * share.reshape(shape)
    return small
