"""Σ_k w_k = 1: divide a picture into overlapping tiles whose weights sum to one at every pixel.

A uniform grid; the last tile of a row or column is moved inwards, so that all are of one size. Over an overlap the
weights fall off linearly (feathering), so that two neighbours that differ a little meet without a seam.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, OVERLAP, MULTIPLE = 512, 32, 32  # in pixels; multiples of 32 keep the blocks of any JPEG whole
SHARED, START = (
    8,
    8,
)  # minimum values for a picture that is enlarged, since methods work on pixels of the result
LARGE = 3 << 20  # number of pixels of the result from which it is always tiled
LONG = 4096  # side of the result in pixels from which it is always tiled, since some steps grow faster than the side


def enlargement(options: Mapping[str, Any]) -> int:
    """The scale factor of each side of the result, from a task's options; 1 if they have no valid one."""
    factor = options.get("factor")
    return factor if isinstance(factor, int) and factor > 0 else 1


def margins(factor: int) -> tuple[int, int]:
    """(overlap, multiple) of the tiles, in pixels of the input, if the result is ``factor`` times larger."""
    if factor == 1:
        return OVERLAP, MULTIPLE
    return max(SHARED, -(-OVERLAP // factor)), START


def side_for(size: tuple[int, int], *, told: int | None = None, factor: int = 1, planes: int = 1) -> int:
    """The side of the tiles for a picture of ``size`` (H, W) whose result is ``factor`` times larger; 0 for no tiles.

    ``told`` is the user's choice; None leaves it to the size. ``planes`` of it count with all their pixels.
    """
    if told is None:
        large = planes * size[0] * size[1] * factor**2 >= LARGE or max(size) * factor > LONG
        told = SIDE // factor if large else 0
    side = max(MULTIPLE, told // MULTIPLE * MULTIPLE) if told else 0
    return side if side < max(size) else 0


@dataclass(frozen=True)
class Tile:
    """A part of a picture and its weight."""

    rows: slice
    columns: slice
    weight: NDArray[np.float32]  #: (rows, columns); all tiles' weights sum to one at every pixel


def starts(length: int, tile: int, overlap: int, multiple: int) -> list[int]:
    """The starts of tiles along one side: multiples of ``multiple``, with at least ``overlap`` pixels of overlap."""
    if length <= tile:
        return [0]
    step = max(multiple, (tile - overlap) // multiple * multiple)
    last = -(-(length - tile) // multiple) * multiple
    return [*range(0, last, step), last]


@lru_cache(maxsize=16)
def profiles(length: int, tile: int, overlap: int, multiple: int) -> list[tuple[slice, NDArray[np.float64]]]:
    """Each tile's position along one side, with its weights."""
    parts: list[tuple[slice, NDArray[np.float64]]] = []
    total = np.zeros(length)
    for start in starts(length, tile, overlap, multiple):
        stop = min(start + tile, length)
        place = np.arange(start, stop)
        left = np.ones(stop - start) if start == 0 else (place - start + 1) / (overlap + 1)
        right = np.ones(stop - start) if stop == length else (stop - place) / (overlap + 1)
        weight = np.minimum(1, np.minimum(left, right))
        total[start:stop] += weight
        parts.append((slice(start, stop), weight))
    return [(place, weight / total[place]) for place, weight in parts]


def tiles(
    size: tuple[int, int],
    *,
    tile: int,
    factor: int = 1,
    overlap: int | None = None,
    multiple: int | None = None,
) -> Iterator[Tile]:
    """Cut a picture of ``size`` (H, W) into tiles of ``tile``² pixels, row by row.

    Args:
        size: (H, W) of the picture.
        tile: side of a tile, a multiple of ``multiple``; the last one of a side may be shorter by less than that.
        factor: scale factor of the result.
        overlap: minimum overlap of neighbours in pixels; by default from ``margins``.
        multiple: tiles begin at multiples of it, so that JPEG blocks stay whole; by default from ``margins``.
    """
    shared, begin = margins(factor)
    told = shared if overlap is None else overlap, begin if multiple is None else multiple
    across = profiles(size[1], tile, *told)
    for rows, down in profiles(size[0], tile, *told):
        for columns, weight in across:
            yield Tile(rows, columns, np.outer(down, weight).astype(np.float32))


def nth(size: tuple[int, int], index: int, *, tile: int, factor: int = 1) -> Tile:
    """The tile of that number of those that ``tiles`` would yield."""
    overlap, multiple = margins(factor)
    across = profiles(size[1], tile, overlap, multiple)
    rows, down = profiles(size[0], tile, overlap, multiple)[index // len(across)]
    columns, weight = across[index % len(across)]
    return Tile(rows, columns, np.outer(down, weight).astype(np.float32))


def count(size: tuple[int, int], *, tile: int, factor: int = 1) -> int:
    """The number of tiles that ``tiles`` yields."""
    return int(np.prod([len(starts(side, tile, *margins(factor))) for side in size]))
