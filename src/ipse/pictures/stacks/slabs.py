"""Slabs: groups of N consecutive planes along an axis of length L, restored together, with an overlap of at least o.

    starts s_i = round(i (L − N) / (n − 1)),  i = 0 … n − 1,  n = ⌈(L − o) / (N − o)⌉

A shared plane is taken from the slab in which it is further from the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ipse.pictures.stacks.stack import Stack

NETWORK = "fast3d"  # network that fits the planes of a slab together
DEPTH = 8  # maximum number of planes in a slab
OVERLAP = 2  # minimum number of planes shared by neighbouring slabs


@dataclass(frozen=True)
class Slab:
    """Numbers of planes that are restored together, and which of them are kept."""

    planes: tuple[int, ...]
    kept: tuple[int, ...]


def slabs(outer: tuple[int, ...], axis: int | None, *, depth: int = DEPTH) -> Iterator[Slab]:
    """Divide planes into slabs of at most ``depth`` along an axis of ``outer``; with None, each plane is separate.

    Args:
        outer: number of planes along each axis.
        axis: the axis along which planes belong together.
        depth: number of planes in a slab, at least 1.
    """
    if axis is None:
        yield from (Slab((index,), (index,)) for index in range(int(np.prod(outer))))
        return
    for place in np.ndindex(*outer[:axis], 1, *outer[axis + 1 :]):
        for taken, kept in _spans(outer[axis], min(depth, outer[axis])):
            yield Slab(_numbers(outer, axis, place, taken), _numbers(outer, axis, place, kept))


def slabs_of(stack: "Stack", joint: str | None) -> list[Slab]:
    """The slabs of a stack along an axis, in the order in which they are restored; channels are always together."""
    axis = None if joint is None else stack.axes.index(joint)
    return list(
        slabs(stack.outer, axis, depth=stack.outer[axis] if axis is not None and joint == "C" else DEPTH)
    )


def _spans(length: int, depth: int) -> Iterator[tuple[range, range]]:
    """The planes of each slab, and which of them are kept."""
    overlap = min(OVERLAP, depth - 1)
    count = max(1, -(-(length - overlap) // (depth - overlap)))
    starts = [round(number * (length - depth) / max(1, count - 1)) for number in range(count)]
    seams = [(one + depth + other) // 2 for one, other in pairwise(starts)]
    for start, first, last in zip(starts, [0, *seams], [*seams, length], strict=True):
        yield range(start, start + depth), range(first, last)


def _numbers(outer: tuple[int, ...], axis: int, place: tuple[int, ...], along: range) -> tuple[int, ...]:
    return tuple(int(np.ravel_multi_index([*place[:axis], one, *place[axis + 1 :]], outer)) for one in along)
