"""Σ_k w_k = 1: a picture cut into overlapping tiles whose weights sum to one at every pixel.

A uniform grid; the last tile of a row or column is moved inwards, so that all are of one size. Over an overlap the
weights fall off linearly (feathering), so that two neighbours that differ a little meet without a seam.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, OVERLAP, MULTIPLE = 512, 32, 32  # pixels; 32: the blocks of any JPEG stay whole
SHARED, START = (
    8,
    8,
)  # the same of a picture that is enlarged, at least: what a method sees is pixels of the result
LARGE = 3 << 20  # pixels of a result from which it is cut, whatever the memory
LONG = 4096  # pixels of a result's side, the same: what is done along a side grows faster than the side


def enlargement(options: Mapping[str, Any]) -> int:
    """How many times longer each side of the result is, by a task's options; 1 where they say nothing usable."""
    factor = options.get("factor")
    return factor if isinstance(factor, int) and factor > 0 else 1


def margins(factor: int) -> tuple[int, int]:
    """(overlap, multiple) of the tiles of a picture whose result is ``factor`` times larger, in its own pixels."""
    if factor == 1:
        return OVERLAP, MULTIPLE
    return max(SHARED, -(-OVERLAP // factor)), START


def side_for(size: tuple[int, int], *, told: int | None = None, factor: int = 1, planes: int = 1) -> int:
    """The side of the tiles for a picture of ``size`` (H, W) whose result is ``factor`` times larger; 0 is no tiles.

    ``told`` is the user's choice; None leaves it to the size. ``planes`` of it count with all their pixels.
    """
    if told is None:
        large = planes * size[0] * size[1] * factor**2 >= LARGE or max(size) * factor > LONG
        told = SIDE // factor if large else 0
    side = max(MULTIPLE, told // MULTIPLE * MULTIPLE) if told else 0
    return side if side < max(size) else 0


@dataclass(frozen=True)
class Tile:
    """A part of a picture and its weight in the whole."""

    rows: slice
    columns: slice
    weight: NDArray[np.float32]  #: (rows, columns); all tiles' weights sum to one at every pixel


def starts(length: int, tile: int, overlap: int, multiple: int) -> list[int]:
    """Where tiles begin along one side: at multiples of ``multiple``, the next overlapped by ``overlap`` or more."""
    if length <= tile:
        return [0]
    step = max(multiple, (tile - overlap) // multiple * multiple)
    last = -(-(length - tile) // multiple) * multiple
    return [*range(0, last, step), last]


@lru_cache(maxsize=16)
def profiles(length: int, tile: int, overlap: int, multiple: int) -> list[tuple[slice, NDArray[np.float64]]]:
    """Each tile's place along one side, with its weight there."""
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
        tile: side of a tile, a multiple of ``multiple``; the last of a side may be shorter by less than that.
        factor: how many times larger the result is.
        overlap: pixels that neighbours share at least; by default as ``margins`` has it.
        multiple: tiles begin at multiples of it, so that the blocks of a JPEG stay whole; the same.
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
    """How many tiles ``tiles`` would yield."""
    return int(np.prod([len(starts(side, tile, *margins(factor))) for side in size]))
