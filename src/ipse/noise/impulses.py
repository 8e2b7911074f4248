"""Salt and pepper: single pixels at 0 or 1, far from all their neighbours' median.

Clipped Gaussian noise makes such pixels too, but then the others are as far off, short of the ends; texture makes
some, but not just at the ends.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

FAR = 0.2  # from the neighbours' median: no longer the picture
LEAST = 0.001  # of the pixels: fewer are the picture's own
BESIDE = 0.15  # from the ends: where Gaussian noise would leave pixels as well
RARER = 5  # times as rare must those be
QUIET = 0.1  # the distance of ordinary pixels from their neighbours' median, if impulses are all there is


def impulses(y: Tensor) -> Tensor:
    """The impulses of a picture (1, C, H, W) in [0, 1], of any channel: bool (1, 1, H, W).

    None where there are too few of either colour, or where they are but the ends of another kind of noise.
    """
    none = torch.zeros_like(y[:, :1], dtype=torch.bool)
    if min(y.shape[-2:]) < 3:
        return none
    away = (y - _median(y)).abs()
    far = away > FAR
    end = (y <= 0) | (y >= 1)
    hit = far & end
    beside = far & ~end & ((y < BESIDE) | (y > 1 - BESIDE))
    shares = [float(part.float().mean()) for part in (hit & (y <= 0), hit & (y >= 1), beside)]
    ordinary = away[~hit]
    if min(shares[:2]) < LEAST or shares[0] + shares[1] < RARER * shares[2]:
        return none
    if float(ordinary.mean()) > QUIET:
        return none
    return hit.any(1, keepdim=True)


def _median(y: Tensor) -> Tensor:
    """The median of each pixel's eight neighbours."""
    around = pad(y, (1, 1, 1, 1), mode="replicate")
    height, width = y.shape[-2:]
    places = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    return torch.stack([around[..., i : i + height, j : j + width] for i, j in places]).median(0).values
