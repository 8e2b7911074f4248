"""y = g k, k ~ Poisson(x/g): pictures of so few photons that they can be counted, because values are multiples of g.

That alone would also hold for a poster with few colours. But with photons, the variance of y in flat areas is g times
the brightness, while a poster has none.
"""

import torch
from torch import Tensor

from ipse.noise.by_brightness import variances

SAMPLES = 1 << 16  # of the picture
FEWEST = 3  # values: two are a drawing, or a dither
STEPS = (1 / 255, 1 / 65535)  # of what pictures are stored in: values are rounded to them, …
EXACT = 1e-6  # … or hardly rounded at all
LEAST = 0.01  # g: of more photons than a hundred the noise tells
COARSE = 4  # times as large must g be
SLACK = 0.7  # of a step, half of it by rounding, the rest as g is not known exactly
# of g x is the variance in flat blocks, of all and of each brightness that is not dark; posters have none
LIKE = (0.6, 1.6)


def counts(y: Tensor, *, told: bool = False) -> float | None:
    """g of a picture (1, C, H, W) in [0, 1]; None if its values are not counts, unless ``told`` that they are."""
    most = max(float(y.max()), 1e-12)
    found = _counts(y / most, told)  # those of a dim picture do not reach 1
    return None if found is None else most * found


def _counts(y: Tensor, told: bool) -> float | None:
    """g of a picture whose maximum is 1."""
    values = y.flatten()[:: max(1, y.numel() // SAMPLES)].cpu().double().unique()
    if len(values) < (2 if told else FEWEST) or float(values[0]) < 0:
        return None
    step = next((step for step in STEPS if _are_multiples(values, step)), EXACT)
    g = _unit(values, step)
    if g is None or told:
        return g
    x, variance, count = variances(y, dark=True)
    if not len(x):
        return None
    like = torch.cat(
        [variance[x >= g] / (g * x[x >= g]), ((count * variance).sum() / (count * x * g).sum())[None]]
    )
    return g if LIKE[0] < float(like.min()) and float(like.max()) < LIKE[1] else None


def _are_multiples(values: Tensor, step: float) -> bool:
    """Whether all values are multiples of the step, within single precision."""
    return float((values / step - (values / step).round()).abs().max()) * step < EXACT / 4


def _unit(values: Tensor, step: float) -> float | None:
    """The unit of which all values (K,), ascending, are multiples within rounding to a step; 1 may be clipped."""
    values = values[values > SLACK * step]
    values = values[: max(1, int((values < 1).sum()))]
    g, start = float(values[0]), values
    if len(values) > 1:
        g = min(g, float(values.diff().min()))
    if g < max(LEAST, COARSE * step):
        return None
    for end in range(1, len(values) + 1):  # each value makes g exact enough for the next
        start = values[:end]
        k = (start / g).round()
        g = float((k * start).sum() / (k * k).sum())
        if g < COARSE * step or float((start - g * k).abs()[-1]) > 2 * SLACK * step:
            return None
    return g if float((start - g * (start / g).round()).abs().max()) <= SLACK * step else None
