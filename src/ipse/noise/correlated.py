"""Noise that is correlated between pixels, as in a camera's JPEG: it is as strong at half resolution as at full.

White noise halves from one octave to the next; texture does neither of the two everywhere. So the mean of the
channels is split into octaves, the energy of two of them is read in blocks, and the quiet blocks are compared:
where there is noise they are many and alike, and louder in the lower octave; where there is only a picture they
are few and unlike. Two octaves down noise is weaker again, or as strong, for it reaches over a few pixels only; texture
goes on growing. A texture that fills the whole picture evenly cannot be told from noise: only weak ones count, and
none in gray, where nothing was there to learn from: the camera noise that the numbers below were set on is in colour.

How correlated noise deceives estimators of white noise, and estimates by scale: Lebrun, Colom and Morel,
"Multiscale image blind denoising", 2015, https://doi.org/10.1109/TIP.2015.2439041
"""

from math import log

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

BLOCK = 16  # pixels a side
FEW = 20  # blocks: fewer tell nothing
ENDS = 0.06  # from black and white, where clipping takes the noise away
LOUDER = 1.12  # times, at the least, are quiet blocks louder in the lower octave
ALIKE = 2.5  # times as loud as a quiet block is the usual one, at most
RANGE = (0.42 / 255, 2.8 / 255)  # of a quiet block
WHITE = 0.5  # times as loud are they under white noise
GROWN = 1.215  # times as loud, at the most, are quiet blocks another octave down; so much even at …
SURE = 1.5  # … standard deviations of the median more: polyu's and cc15's noise 0.75 to 1.21, a retina 1.23 to 1.39
STRENGTH = 2.0  # of all the noise, in a quarter-quiet block of the lower octave


def correlated(y: Tensor, *, told: bool = False) -> tuple[float, float] | None:
    """The strength of correlated noise in a picture (1, C, H, W) in [0, 1], or None where there is none.

    Args:
        y: the picture.
        told: it is known to have some, and is only too small to measure it, if None is returned.

    Returns:
        σ, about the same at full and at half resolution; and how much stronger than white noise it is at half
        resolution, for the strength that it has from pixel to pixel.
    """
    luma = y.mean(1, keepdim=True)
    if min(luma.shape[-2:]) < 4 * BLOCK:
        return None
    height, width = (side // BLOCK * BLOCK for side in luma.shape[-2:])
    luma = luma[..., :height, :width]
    light = avg_pool2d(luma, BLOCK)
    usable = (light > ENDS) & (light < 1 - ENDS)
    if int(usable.sum()) < FEW:
        return None
    upper = _octave(luma, BLOCK)[usable]
    lower = _octave(avg_pool2d(luma, 2), BLOCK // 2)[usable]
    shares = torch.tensor([0.1, 0.25, 0.5], device=y.device)
    quiet, calm, usual = (float(level) for level in lower.quantile(shares).sqrt())
    above = float(upper.quantile(shares[0]).sqrt())
    is_noise = RANGE[0] < quiet < RANGE[1] and usual <= ALIKE * quiet and quiet >= LOUDER * above
    if not told and not (is_noise and _is_coloured(y) and _is_limited(luma, lower, usable)):
        return None
    return STRENGTH * calm, quiet / max(above, 1e-6) / WHITE


def _is_coloured(y: Tensor) -> bool:
    """Whether channels differ."""
    return not bool((y == y[:, :1]).all())


def _is_limited(luma: Tensor, lower: Tensor, usable: Tensor) -> bool:
    """Whether the quiet quarter of the blocks is hardly louder in the octave below the lower one."""
    below = _octave(avg_pool2d(luma, 4), BLOCK // 4)[usable]
    quiet = lower <= lower.quantile(0.25)
    growth = (below[quiet] / lower[quiet].clamp_min(1e-12)).clamp_min(1e-6).log() / 2
    spread = 1.25 * float(growth.std()) / len(growth) ** 0.5  # of a median, of normal ones
    return float(growth.median()) + SURE * spread < log(GROWN)


def _octave(x: Tensor, block: int) -> Tensor:
    """Energy of the finest octave of x (1, 1, H, W), in blocks."""
    coarse = interpolate(avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear")
    return avg_pool2d((x - coarse).square(), block)
