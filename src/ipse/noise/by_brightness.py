"""How the variance of white noise grows with brightness:

    gaussian   var n = σ²            poisson   var n = g x + σ²           speckle   var n = s² x²

Blocks of each brightness are chosen by how flat they are at a coarse scale, and their noise is read at the finest:
white noise at one says nothing of the other, so that the choice does not favour quiet blocks.

Foi, Trimeche, Katkovnik and Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image
raw-data", 2008: https://doi.org/10.1109/TIP.2008.2001399
"""

from collections.abc import Sequence
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
CLEAR = 0.1  # … where the dark parts have hardly any noise: textures leave 0.13 or more, speckle mostly 0.06
LOUDER = 1.5  # than its law allows: noise that has another
ERROR = 0.15  # of a variance that is read in few blocks
HANDICAP = 1.2  # speckle's misfit must be smaller by this, having one number less to choose
RANGE = (0.06, 0.9)  # of a block's brightness: outside it clipping takes much of the noise

Grown = tuple[Literal["poisson", "speckle"], float, float]


def growth(y: Tensor, *, fall: float = FALL) -> Grown | None:
    """How noise grows with brightness in a picture (1, C, H, W) in [0, 1]; None where it does not.

    ``fall`` is the share of the misfit of a constant variance that a growing one may leave.

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
    if rise < GROWTH or min(linear, quadratic) > fall * constant:
        return None
    if quadratic < HANDICAP * linear:
        return "speckle", square**0.5, 0.0
    return "poisson", gain, floor**0.5


def one_law(y: Tensor, grown: Grown, levels: Sequence[float]) -> bool:
    """Whether noise that grows so explains the channels of y (1, C, H, W) as well as a level each, or better.

    Where a channel has no flat blocks of middling brightness, its level must not be louder than at its mean.
    """
    kind, gain, floor = grown

    def variance_at(x: Tensor) -> Tensor:
        return gain * x + floor**2 if kind == "poisson" else gain**2 * x**2

    law = each = blocks = 0.0
    for plane, found in zip(y.split(1, 1), levels, strict=True):
        x, variance, count = variances(plane)
        if not len(x) and found**2 > LOUDER**2 * float(variance_at(plane.mean())):
            return False
        weight = count / variance.clamp_min(1e-12) ** 2
        level = (weight * variance).sum() / weight.sum().clamp_min(1e-12)
        law += float((weight * (variance - variance_at(x)) ** 2).sum())
        each += float((weight * (variance - level) ** 2).sum())
        blocks += float(count.sum())
    return law <= max(each, ERROR**2 * blocks)


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


def variances(y: Tensor, *, dark: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Brightness, noise variance and number (K,) of the flat blocks of every brightness, all channels together.

    ``dark`` ones count too where black is what was measured, not what was cut off.
    """
    height, width = (side // BLOCK * BLOCK for side in y.shape[-2:])
    if min(height, width) < 4 * BLOCK:
        return y.new_zeros(0), y.new_zeros(0), y.new_zeros(0)
    planes = y[0, :, None, :height, :width]
    kernel = torch.tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]], device=y.device).div(6)[None, None]
    fine = conv2d(pad(planes, (1, 1, 1, 1), mode="reflect"), kernel).square()
    half = avg_pool2d(planes, 2)
    coarse = avg_pool2d(half, BLOCK // 2)
    rough = avg_pool2d(half.square(), BLOCK // 2) - coarse.square()
    ends = avg_pool2d(((planes >= 1) if dark else (planes <= 0) | (planes >= 1)).float(), BLOCK)
    usable = (ends < CLIPPED) & (coarse > (0 if dark else RANGE[0])) & (coarse < RANGE[1])
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


def photon_gain(y: Tensor) -> float:
    """g, the variance per brightness, where that is known to be how the noise grows; 0 where there is none."""
    x, variance, count = variances(squares(y), dark=True)
    if not len(x):
        return white(y) ** 2 / max(float(y.mean()), 1e-3)
    return float((count * x * variance).sum() / (count * x**2).sum())


def speckle_gain(y: Tensor) -> float:
    """s, the relative standard deviation of noise that multiplies, where that is known to be its kind."""
    x, variance, count = variances(squares(y))
    if not len(x):
        return white(y) / max(float(y.mean()), 1e-3)
    return float(((count * x**2 * variance).sum() / (count * x**4).sum()).sqrt())
