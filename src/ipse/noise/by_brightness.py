"""How the variance of white noise grows with brightness:

    gaussian   var n = σ²            poisson   var n = g x + σ²           speckle   var n = s² x²

Blocks of each brightness are chosen by how flat they are at a coarse scale, and their noise is read at the finest:
white noise at one says nothing of the other, so that the choice does not favour quiet blocks.

Foi, Trimeche, Katkovnik and Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image
raw-data", 2008: https://doi.org/10.1109/TIP.2008.2001399
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

from ipse.noise.squares import squares
from ipse.noise.white import white

BLOCK = 8  # pixels a side
BINS = 12  # of brightness
SHARE = 0.15  # of a bin's blocks that are taken for flat
FEW = 6  # blocks: fewer tell nothing
CLIPPED = 0.05  # of a block's pixels at the ends, at most
GROWTH = 0.35  # of the mean variance: the least by which it must grow over the picture's range
FALL = 0.4  # of the misfit of a constant variance, which a growing one must leave at most
HANDICAP = 1.2  # speckle's misfit must be smaller by this, having one number less to choose
RANGE = (0.06, 0.9)  # of a block's brightness: outside it clipping takes much of the noise


def growth(y: Tensor) -> tuple[Literal["poisson", "speckle"], float, float] | None:
    """How noise grows with brightness in a picture (1, C, H, W) in [0, 1]; None where it does not.

    Returns:
        The kind; the gain g of photon noise, or the relative standard deviation s of speckle; the constant part's
        standard deviation σ.
    """
    x, variance, count = variances(y)
    if len(x) < 3:
        return None
    weight = count / variance.clamp_min(1e-12) ** 2  # errors are relative

    def misfit(model: Tensor) -> float:
        return float((weight * (variance - model) ** 2).sum())

    gain, floor = _line(x, variance, weight)
    square = float((weight * x**2 * variance).sum() / (weight * x**4).sum())
    constant = misfit((weight * variance).sum() / weight.sum() * torch.ones_like(x))
    linear, quadratic = misfit(gain * x + floor), misfit(square * x**2)
    rise = gain * float(x.max() - x.min()) * float(count.sum() / (count * variance).sum())
    if rise < GROWTH or min(linear, quadratic) > FALL * constant:
        return None
    if quadratic < HANDICAP * linear:
        return "speckle", square**0.5, 0.0
    return "poisson", gain, floor**0.5


def _line(x: Tensor, variance: Tensor, weight: Tensor) -> tuple[float, float]:
    """g and σ² of the line g x + σ² that fits best, neither negative."""
    share = weight / weight.sum()
    middle, level = (share * x).sum(), (share * variance).sum()
    slope = (share * (x - middle) * (variance - level)).sum() / (share * (x - middle) ** 2).sum().clamp_min(
        1e-12
    )
    if float(slope) <= 0:
        return 0.0, float(level)
    if float(level - slope * middle) < 0:
        return float((share * x * variance).sum() / (share * x**2).sum()), 0.0
    return float(slope), float(level - slope * middle)


def variances(y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Brightness, noise variance and number (K,) of the flat blocks of every brightness, all channels together."""
    height, width = (side // BLOCK * BLOCK for side in y.shape[-2:])
    if min(height, width) < 4 * BLOCK:
        return y.new_zeros(0), y.new_zeros(0), y.new_zeros(0)
    planes = y[0, :, None, :height, :width]
    kernel = torch.tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]], device=y.device).div(6)[None, None]
    fine = conv2d(pad(planes, (1, 1, 1, 1), mode="reflect"), kernel).square()
    half = avg_pool2d(planes, 2)
    coarse = avg_pool2d(half, BLOCK // 2)
    rough = avg_pool2d(half.square(), BLOCK // 2) - coarse.square()
    ends = avg_pool2d(((planes <= 0) | (planes >= 1)).float(), BLOCK)
    usable = (ends < CLIPPED) & (coarse > RANGE[0]) & (coarse < RANGE[1])
    return _binned(coarse[usable], rough[usable], avg_pool2d(fine, BLOCK)[usable])


def _binned(light: Tensor, rough: Tensor, fine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means over the flattest blocks of each bin of brightness."""
    rows: list[tuple[float, float, float]] = []
    for part in range(BINS):
        inside = (light >= part / BINS) & (light < (part + 1) / BINS)
        count = int(SHARE * int(inside.sum()))
        if count < FEW:
            continue
        flat = rough[inside].topk(count, largest=False).indices
        rows.append((float(light[inside][flat].mean()), float(fine[inside][flat].mean()), float(count)))
    table = torch.tensor(rows, dtype=torch.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def speckle_gain(y: Tensor) -> float:
    """s, the relative standard deviation of noise that multiplies, where that is known to be its kind."""
    x, variance, count = variances(squares(y))
    if not len(x):
        return white(y) / max(float(y.mean()), 1e-3)
    return float(((count * x**2 * variance).sum() / (count * x**4).sum()).sqrt())
