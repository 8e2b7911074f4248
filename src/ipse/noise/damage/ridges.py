"""z(θ, x): how far a line through x, in direction θ, is brighter or darker than both of its sides.

    r(θ, x) = y(x) − max(y(x + d n), y(x − d n))   where that is positive, and likewise for dark lines (negative)
    z(θ, x) = √L · mean of r over L pixels in direction θ, over the mean of |r| around x in all directions

n is the normal of θ. An edge is between its two sides and has r = 0. The mean around x is what texture gives by chance,
so that a line must be stronger among grass than in the sky. Lines of 1 to 2 pixels are found with d = 2; those of up to
5 in the picture at half its size.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

DIRECTIONS = 16
AWAY = 2.0  # d, in pixels
STEPS = (1, -2, 4, -8)  # each doubles the number of pixels that are averaged: L = 16
MOST = 0.25  # of r, so that no single pixel makes a line
TYPICAL = 0.1  # of |r| around, so that no line hides another one
AROUND = (20, 15)  # radius in pixels of what is around, at full and at half size
LEAST = 1 / 255  # of the mean of |r| around
BESIDE = 7.0  # pixels to each side of a line that are needed to judge it
EDGE = 10  # pixels by which planes are continued


def angles() -> list[float]:
    """The directions θ, from that of the rows (0) on."""
    return [np.pi * k / DIRECTIONS for k in range(DIRECTIONS)]


def ridges(y: Tensor) -> Tensor:
    """z (directions, H, W) of a picture (C, H, W), of the channel where it is largest; negative for dark lines."""
    height, width = y.shape[-2:]
    fine = _ridges(y, AROUND[0])
    half = avg_pool2d(pad(y[None], (0, width % 2, 0, height % 2), mode="replicate"), 2)[0]
    coarse = interpolate(_ridges(half, AROUND[1])[None], scale_factor=2, mode="bilinear")[0]
    coarse = coarse[:, :height, :width]
    found = torch.where(fine.abs() >= coarse.abs(), fine, coarse)
    for z, angle in zip(found, angles(), strict=True):
        _leave_the_rim(z, angle)
    return found


def _leave_the_rim(z: Tensor, angle: float) -> None:
    """Set z to 0 where one side of a line lies outside of the picture: there, it cannot be told from an edge."""
    rows, columns = (int(np.ceil(BESIDE * abs(part))) for part in (np.cos(angle), np.sin(angle)))
    z[:rows], z[len(z) - rows :] = 0, 0
    z[:, :columns], z[:, z.shape[1] - columns :] = 0, 0


def _ridges(y: Tensor, radius: int) -> Tensor:
    """z at one size."""
    around = torch.zeros_like(y)
    for r in _beside(y):
        around += r.abs().clamp_max(TYPICAL) / DIRECTIONS
    around = 2 * avg_pool2d(around[None], 2 * radius + 1, 1, radius, count_include_pad=False)[0] + LEAST
    found = list[Tensor]()
    for r, angle in zip(_beside(y), angles(), strict=True):
        z = _along(r, angle) / around * len(STEPS)
        found.append(torch.gather(z, 0, z.abs().argmax(0, keepdim=True))[0])
    return torch.stack(found)


def _beside(y: Tensor) -> Iterator[Tensor]:
    """r (C, H, W) of each direction."""
    wide = _wide(y)
    for angle in angles():
        down, right = AWAY * np.cos(angle), -AWAY * np.sin(angle)
        one, other = _shifted(wide, down, right), _shifted(wide, -down, -right)
        bright = (y - torch.maximum(one, other)).clamp(0, MOST)
        yield bright - (torch.minimum(one, other) - y).clamp(0, MOST)


def _along(r: Tensor, angle: float) -> Tensor:
    """The mean over 2^len(STEPS) pixels along a line."""
    down, right = float(np.sin(angle)), float(np.cos(angle))
    first, wide = -sum(STEPS) / 2, _wide(r)  # so that the pixels lie evenly about the place
    total = _shifted(wide, first * down, first * right)
    total = total + _shifted(wide, (first + 1) * down, (first + 1) * right)
    for step in STEPS[1:]:
        total = total + _shifted(_wide(total), step * down, step * right)
    return total / 2 ** len(STEPS)


def _wide(y: Tensor) -> Tensor:
    return pad(y[None], (EDGE, EDGE, EDGE, EDGE), mode="replicate")[0]


def _shifted(wide: Tensor, down: float, right: float) -> Tensor:
    """y(· + (down, right)), linear between pixels, of a picture continued by ``EDGE``."""
    height, width = (side - 2 * EDGE for side in wide.shape[-2:])
    top, left = int(np.floor(down)), int(np.floor(right))
    rows = wide[:, EDGE + top : EDGE + top + height + 1]
    across = torch.lerp(
        rows[..., EDGE + left : EDGE + left + width],
        rows[..., EDGE + left + 1 : EDGE + left + 1 + width],
        right - left,
    )
    return torch.lerp(across[:, :-1], across[:, 1:], down - top)
