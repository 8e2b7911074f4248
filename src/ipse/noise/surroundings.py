"""The surroundings of each pixel of a channel, ignoring black and white pixels, which may be impulses."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

FREE = 3  # smallest number of neighbours between the ends from which a pixel is judged
WIDE = 7  # side of the larger window, in pixels, for pixels with fewer such neighbours


def surroundings(plane: Tensor) -> tuple[Tensor, Tensor]:
    """The brightness around each pixel of (H, W), from pixels between the ends, and where there are enough of them."""
    free = ~is_end(plane)
    near = neighbours(torch.where(free, plane, torch.nan))
    seen = (~near.isnan()).sum(0) >= FREE
    mean, weight = (mean_around(part, WIDE) for part in (torch.where(free, plane, 0.0), free.float()))
    ends = (mean_around((plane >= 1).float(), WIDE) > mean_around((plane <= 0).float(), WIDE)).float()
    wider = torch.where(weight * WIDE**2 > FREE - 0.5, mean / weight.clamp_min(1e-6), ends)
    return torch.where(seen, near.nanmedian(0).values, wider), seen


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
