"""Patches P_i x of a picture, the patches most similar to P_i x, and the adjoint, which puts them back.

Similar means a small ‖P_i x − P_j x‖² = ‖P_i x‖² + ‖P_j x‖² − 2⟨P_i x, P_j x⟩: matrix products, not shifted
differences. A cell of neighbouring reference patches shares one search window, so that each product is large.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 4  # number of reference patches, down and across, that share a search window

Sides = tuple[int, int]


@dataclass(frozen=True)
class References:
    """The reference patches, at every pair of a row and a column."""

    sides: Sides
    ys: list[int]
    xs: list[int]

    @classmethod
    def over(cls, size: Sides, patch: int, stride: int) -> "References":
        """Cover a picture of ``size``; patches are at most half as long as it, so that there are several."""
        sides = min(patch, (size[0] + 1) // 2), min(patch, (size[1] + 1) // 2)
        return cls(sides, grid(size[0], sides[0], stride), grid(size[1], sides[1], stride))


def grid(length: int, patch: int, stride: int) -> list[int]:
    """The first pixels of reference patches along a side: every ``stride`` without gaps, and the last possible one."""
    last = length - patch
    return [*range(0, last, min(stride, patch)), last]


def patches(x: Tensor, sides: Sides) -> Tensor:
    """All patches of x (C, H, W) as rows: ((H−h+1)·(W−w+1), w·h·C), the channels of a pixel side by side.

    First columns of h pixels, then w of these, which lie side by side: twice as quick as both at once.
    """
    (h, w), step = sides, sides[0] * len(x)
    columns = x.unfold(1, h, 1).permute(1, 2, 3, 0).flatten(1)  # (H−h+1, W·h·C)
    return columns.unfold(1, w * step, step).reshape(-1, w * step)


def put_back(rows: Tensor, size: Sides, sides: Sides) -> Tensor:
    """The adjoint of `patches`: the sum of overlapping patches, (C, H, W)."""
    (height, width), (h, w) = size, sides
    down, across = height - h + 1, width - w + 1
    rows = rows.view(down, across, w, -1)
    columns = rows.new_zeros(down, width, rows.shape[3])
    for place in range(w):
        columns[:, place : place + across] += rows[:, :, place]
    columns = columns.view(down, width, h, -1)
    x = rows.new_zeros(height, width, columns.shape[3])
    for place in range(h):
        x[place : place + down] += columns[:, :, place]
    return x.permute(2, 0, 1)


def sums(x: Tensor, sides: Sides) -> Tensor:
    """The sum over each patch of each channel of x (C, H, W): ((H−h+1)·(W−w+1), C)."""
    return _added(x, sides).flatten(1).T.contiguous()


def put_back_equal(weights: Tensor, size: Sides, sides: Sides) -> Tensor:
    """`put_back` of constant rows, of which ``weights`` (places,) are the values: (H, W)."""
    places = weights.view(1, size[0] - sides[0] + 1, size[1] - sides[1] + 1)
    padded = F.pad(places, (sides[1] - 1, sides[1] - 1, sides[0] - 1, sides[0] - 1))
    return _added(padded, sides)[0]


def _added(x: Tensor, sides: Sides) -> Tensor:
    """x (C, H, W) summed over every rectangle, down and then across: (C, H−h+1, W−w+1)."""
    down = F.avg_pool2d(x[None], (sides[0], 1), stride=1, divisor_override=1)
    return F.avg_pool2d(down, (1, sides[1]), stride=1, divisor_override=1)[0]


def similar(rows: Tensor, places: Sides, wanted: References, *, count: int, window: int) -> Tensor:
    """Indices (references, count) of the patches most similar to each reference, including itself.

    Args:
        rows: all patches (places, n).
        places: how many patches there are down and across.
        wanted: the references.
        count: patches in a group; fewer if the window holds fewer.
        window: how many patches the search window has down and across, at most.
    """
    ys, xs = wanted.ys, wanted.xs
    down, across = _window(ys, window, places[0]), _window(xs, window, places[1])
    count = min(count, down * across)
    norms = (rows * rows).sum(1)
    offsets = (
        torch.arange(down, device=rows.device)[:, None] * places[1] + torch.arange(across, device=rows.device)
    ).flatten()
    found = torch.empty(len(ys), len(xs), count, dtype=torch.long, device=rows.device)
    for top in range(0, len(ys), CELL):
        cell_ys = ys[top : top + CELL]
        first = _window_start(cell_ys, down, places[0]) * places[1]
        for left in range(0, len(xs), CELL):
            cell_xs = xs[left : left + CELL]
            candidates = offsets + (first + _window_start(cell_xs, across, places[1]))
            reference = torch.tensor(
                [y * places[1] + x for y in cell_ys for x in cell_xs], device=rows.device
            )
            nearest = _nearest(rows, norms, reference, candidates, count)
            found[top : top + CELL, left : left + CELL] = nearest.view(len(cell_ys), len(cell_xs), count)
    return found.view(-1, count)


def _window(starts: list[int], window: int, places: int) -> int:
    """A side of the search window, which must contain every reference of a cell."""
    widest = max(starts[min(i + CELL, len(starts)) - 1] - starts[i] for i in range(0, len(starts), CELL))
    return min(max(window, widest + 1), places)


def _window_start(starts: list[int], side: int, places: int) -> int:
    """Centre a window on a cell, then move it into the picture."""
    return min(max((starts[0] + starts[-1]) // 2 - side // 2, 0), places - side)


def _nearest(rows: Tensor, norms: Tensor, reference: Tensor, candidates: Tensor, count: int) -> Tensor:
    distance = torch.addmm(norms[candidates], rows[reference], rows[candidates].T, alpha=-2)
    # ‖reference‖² is omitted, since it is the same for a row. A reference must be in its own group even if all patches
    # are equal; otherwise its pixels might be in no group.
    distance.masked_fill_(reference[:, None] == candidates, -torch.inf)
    return candidates[distance.topk(count, dim=1, largest=False, sorted=False).indices]
