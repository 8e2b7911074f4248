"""The surroundings of each pixel of a channel, ignoring black and white pixels, which may be impulses."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

FREE = 3  # smallest number of neighbours between the ends from which a pixel is judged
# Pairs to compare that sort eight values (Batcher); far quicker than the median of each pixel's neighbours
# fmt: off
SORTED = (
    (0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (1, 2), (5, 6),
    (0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (1, 2), (3, 4), (5, 6),
)
# fmt: on
WIDE = 7  # side of the larger window, in pixels, for pixels with fewer such neighbours


def surroundings(plane: Tensor) -> tuple[Tensor, Tensor]:
    """The brightness around each pixel of (H, W), from pixels between the ends, and where there are enough of them."""
    free = ~is_end(plane)
    count = neighbours(free.to(plane.dtype)).sum(0)
    near, seen = _median(neighbours(torch.where(free, plane, torch.inf)), count), count >= FREE
    mean, weight = (mean_around(part, WIDE) for part in (torch.where(free, plane, 0.0), free.float()))
    ends = (mean_around((plane >= 1).float(), WIDE) > mean_around((plane <= 0).float(), WIDE)).float()
    wider = torch.where(weight * WIDE**2 > FREE - 0.5, mean / weight.clamp_min(1e-6), ends)
    return torch.where(seen, near, wider), seen


def _median(eight: Tensor, count: Tensor) -> Tensor:
    """The lower median of the ``count`` (H, W) finite ones of eight values (8, H, W); the others are infinite."""
    rows = list(eight)
    for i, j in SORTED:
        rows[i], rows[j] = torch.minimum(rows[i], rows[j]), torch.maximum(rows[i], rows[j])
    found = rows[0]
    for rank in (1, 2, 3):
        found = torch.where(count > 2 * rank, rows[rank], found)
    return found


def is_end(plane: Tensor) -> Tensor:
    """Whether pixels are 0 or 1."""
    return (plane <= 0) | (plane >= 1)


def neighbours(plane: Tensor) -> Tensor:
    """The eight neighbours of each pixel of (H, W): (8, H, W)."""
    height, width = plane.shape
    wide = pad(plane[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    places = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return torch.stack([wide[i : i + height, j : j + width] for i, j in places])


def mean_around(plane: Tensor, side: int) -> Tensor:
    """The mean over a square around each pixel."""
    return avg_pool2d(plane[None, None], side, 1, side // 2)[0, 0]
