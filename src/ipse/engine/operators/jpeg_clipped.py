"""Finds the JPEG that a picture with clipped pixels comes from: y = clip(x), x = DCT⁻¹(q k), k unknown integers.

Around ink, ringing exceeds the white of the paper and is clipped; a clipped pixel is therefore a bound of x. In turn, k
is rounded from x, and x is projected onto the known pixels and bounds. With the file's q, most blocks are reproduced
exactly; with other steps, on another grid, or if there was no JPEG, none is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ipse.engine.operators.dct import SIDE, dct_matrix

if TYPE_CHECKING:
    from ipse.engine.operators.jpeg import JpegCells
    from ipse.engine.operators.jpeg_component import Array

BLACK, WHITE = 0.5, 254.5  # of 255: levels beyond may have been clipped
LUMA = (0.299, 0.587, 0.114)
FREE = 1e6  # in levels; no bound
HALF = 0.5  # largest rounding error, in levels
ROUNDS = 8
KNOWN = 24  # smallest number of known pixels of a block
CONTRAST = 24  # smallest contrast in levels, because smooth blocks fit fine steps by chance
LEAST, FEW, MANY = 16, 16, 128  # numbers of blocks: required, tried on every grid, tried on one grid
EXACT = 0.45  # fraction of the blocks that a JPEG reproduces; for clean pictures it is at most a quarter
FINEST = 90  # quality up to which steps are so coarse that nothing fits by chance


@dataclass(frozen=True)
class Bounds:
    """Luma, −128 … 127, (H, W) or in blocks (N, 8, 8): the pixels, and their lower and upper bounds."""

    seen: Tensor
    low: Tensor
    high: Tensor

    @property
    def known(self) -> Tensor:
        """Where the seen value was not clipped."""
        return (self.low > -FREE) & (self.high < FREE)

    def some(self, chosen: Tensor) -> "Bounds":
        """Some of the blocks."""
        return Bounds(self.seen[chosen], self.low[chosen], self.high[chosen])


def explained(levels: Tensor, tables: Tensor) -> tuple[int, tuple[int, int], int] | None:
    """The index of the table (Q, 8, 8), the grid's offset, and how many blocks they explain exactly.

    Args:
        levels: (C, H, W) in 0 … 255, gray or RGB.
        tables: luma's steps of each candidate.
    """
    planes = _bounds(levels)
    offset, (share, index, count) = (0, 0), _best(planes, (0, 0), tables, MANY)
    if share < EXACT:
        grids = [(row, column) for row in range(SIDE) for column in range(SIDE)]
        few, offset = max((_best(planes, grid, tables, FEW)[0], grid) for grid in grids)
        if few < EXACT / 2:
            return None
        share, index, count = _best(planes, offset, tables, MANY)
    shifted = (offset[0] + SIDE // 2) % SIDE, (offset[1] + SIDE // 2) % SIDE
    if share < EXACT or _best(planes, shifted, tables, MANY)[0] > share / 2:  # a JPEG has one grid
        return None
    return index, offset, count


def _best(planes: Bounds, offset: tuple[int, int], tables: Tensor, most: int) -> tuple[float, int, int]:
    """The share of blocks that the best table explains, its index, and their number."""
    blocks = _telling(planes, offset, most)
    if len(blocks.seen) < LEAST:
        return 0.0, 0, 0
    exact = (_misfit(blocks, tables) < HALF).sum(1)
    index = int(exact.argmax())
    return float(exact[index]) / len(blocks.seen), index, int(exact[index])


def _bounds(levels: Tensor) -> Bounds:
    """Luma's planes. Where a channel is clipped luma lies beyond, where two are at opposite ends anywhere."""
    weights = levels.new_tensor(LUMA if len(levels) == 3 else (1.0,))
    luma = torch.einsum("c,chw->hw", weights, levels) - 128
    dark, bright = (levels < BLACK).any(0), (levels > WHITE).any(0)
    low = torch.where(dark, -2 * FREE, luma - HALF)
    high = torch.where(bright, 2 * FREE, luma + HALF)
    return Bounds(luma, low, high)


def _blocks(plane: Tensor) -> Tensor:
    """The whole blocks (N, 8, 8) of a plane."""
    height, width = (n // SIDE * SIDE for n in plane.shape)
    rows = plane[:height, :width].reshape(height // SIDE, SIDE, width // SIDE, SIDE)
    return rows.transpose(1, 2).reshape(-1, SIDE, SIDE)


def _telling(planes: Bounds, offset: tuple[int, int], most: int) -> Bounds:
    """Blocks of a grid, spread over the picture, with enough known pixels of enough contrast."""
    row, column = offset
    blocks = Bounds(*(_blocks(plane[row:, column:]) for plane in (planes.seen, planes.low, planes.high)))
    known = blocks.known
    top = torch.where(known, blocks.seen, -FREE).amax((1, 2))
    bottom = torch.where(known, blocks.seen, FREE).amin((1, 2))
    found = ((known.sum((1, 2)) >= KNOWN) & (top - bottom > CONTRAST)).nonzero().flatten()
    return blocks.some(found[:: max(1, -(-len(found) // most))])


def _misfit(blocks: Bounds, tables: Tensor) -> Tensor:
    """How far, in levels, the worst pixel of each block stays outside its bounds, with each table: (Q, N)."""
    matrix, steps = dct_matrix().to(blocks.seen), tables.to(blocks.seen)[:, None]
    x = blocks.seen[None].expand(len(tables), -1, -1, -1)
    known, shown = blocks.known, x
    for _ in range(ROUNDS):
        x = torch.where(known, blocks.seen, shown.clamp(blocks.low, blocks.high))
        whole = (matrix @ x @ matrix.T / steps).round()
        shown = matrix.T @ (whole * steps) @ matrix
    return (shown - shown.clamp(blocks.low, blocks.high)).abs().amax((2, 3))


def cells_of_decoded(
    x: Tensor, tables: "Sequence[Array]", sampling: Sequence[tuple[int, int]], *, ycc: bool = True
) -> "JpegCells":
    """The cells of the JPEG that a picture (1, C, H, W) in [0, 1] was decoded from, and clipped to."""
    from ipse.engine.operators.jpeg import JpegCells

    cells = JpegCells.of_picture(x, tables, sampling, ycc=ycc)
    black, white = x < BLACK / 255, x > WHITE / 255
    if not bool((black | white).any()):
        return cells
    for _ in range(ROUNDS):
        shown = cells.project(x, margin=0.0)  # as decoded, before it was clipped
        beyond = torch.where(black, torch.minimum(shown, x), torch.where(white, torch.maximum(shown, x), x))
        cells = JpegCells.of_picture(beyond, tables, sampling, ycc=ycc)
    return cells
