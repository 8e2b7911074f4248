"""White noise before JPEG compression: its level, from the quantised coefficients in the file.

    P(k | σ) = Φ((k + ½) q / σ) − Φ((k − ½) q / σ),     σ* = argmax Σ log P

k are the coefficients of one band of frequencies in quiet blocks, q their steps. Texture is strong in low frequencies
and fades towards high ones, while white noise is the same in all. The highest band that is not quantised to zero gives
the level, and the next lower band decides whether it is noise at all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d
from torch.special import ndtr

from ipse.noise.blocks import LEAST, ORDER, SHARE, around

BANDS = tuple(
    (first <= ORDER) & (last >= ORDER) for first, last in ((1, 2), (3, 4), (5, 7), (8, 10), (11, 14))
)
LEVELS = torch.linspace(0.4, 80, 200)  # candidate levels, of 255
HEARD = 0.02  # smallest fraction of non-zero integers for which a band is used
# The following were chosen on crops of every second picture of Kodak's and five of McMaster's, with σ = 0, 5, 10 and 20
# at quality 50, 75 and 85; docs/decisions/enhance.md
ALIKE = (0.75, 1.2)  # range of the ratio of the levels of neighbouring bands, for noise
ALL = 1.25  # largest ratio if the highest band is not quantised to zero, as in few clean pictures
TAILS = 2.0, 4.0  # largest energy of the integers, relative to a normal distribution, likewise
OUTLIERS = 0.03  # fraction of blocks with the largest energy, which may hold an edge, that are left out of it
ROUNDS = 4
# The following two were chosen on PolyU's even pictures, and on pictures of Kodak, McMaster and BSD68, saved at quality
# 75 in their own size and enlarged by 1.5; docs/decisions/enhance.md
EVEN = 0.3  # smallest level of faint noise in the quietest twentieth of the picture, relative to the median
CLUSTERED = 1.6  # largest variance of a block's number of non-zero integers, relative to independent ones
FAINT = (ORDER >= 1) & (ORDER <= 4)  # frequencies in which faint noise is not quantised to zero
COUNTED = (ORDER >= 3) & (ORDER <= 4)
ENDS = 2.0  # smallest distance of a block's mean from black or white, in noise levels


@dataclass(frozen=True)
class UnderJpeg:
    """White noise before compression, estimated from the luma of a JPEG."""

    sigma: float  #: σ of luma, of 255
    alike: float  #: level of the next lower band relative to the highest; 1 for white noise, more for texture
    bands: int  #: number of bands that are not quantised to zero
    tails: float  #: energy of the integers relative to a normal distribution; 1 for noise, more for edges
    even: float  #: level of the quietest parts of the picture relative to its median
    clustered: float  #: how much non-zero integers occur together, as in texture; 1 for noise

    @property
    def is_faint_noise(self) -> bool:
        """Whether it is equally strong all over the picture, and independent from frequency to frequency."""
        return self.even >= EVEN and self.clustered <= CLUSTERED

    @property
    def is_noise(self) -> bool:
        """Whether at least two bands agree, and the integers are distributed normally."""
        whole = self.bands == len(BANDS)
        alike = ALIKE[0] <= self.alike <= (ALL if whole else ALIKE[1])
        return self.bands >= 2 and alike and self.tails <= TAILS[whole]


def white_under_jpeg(integers: Tensor, steps: Tensor) -> UnderJpeg | None:
    """Find the level of white noise before a JPEG.

    Args:
        integers: luma's quantised coefficients (blocks down, blocks across, 8, 8).
        steps: their quantisation steps (8, 8).

    Returns:
        The estimate; None if there are too few blocks, or everything is quantised to zero.
    """
    energy = (integers * steps).square()
    mean = integers[..., 0, 0] * steps[0, 0] / 8 + 128
    chosen, level = torch.ones_like(mean, dtype=torch.bool), None
    if mean.numel() < 2 * LEAST:
        return None
    for _ in range(ROUNDS):
        chosen = _quiet(energy, mean, steps, level)
        level = _likeliest(integers[chosen], steps, ORDER > 0)
    found = [
        _likeliest(integers[chosen], steps, band)
        for band in BANDS
        if float((integers[chosen][:, band] != 0).float().mean()) >= HEARD
    ]
    if not found:
        return None
    alike = found[-2] / found[-1] if len(found) > 1 else float("inf")
    even, clustered = _evenness(energy), _clusters(integers[chosen])
    return UnderJpeg(found[-1], alike, len(found), _tails(energy[chosen], steps), even, clustered)


def _evenness(energy: Tensor) -> float:
    """The level in the quietest twentieth of 3 × 3 blocks, relative to the median."""
    local = avg_pool2d(energy[..., FAINT].mean(-1)[None, None], 3, 1, 1, count_include_pad=False)
    low, middle = local.flatten().quantile(local.new_tensor([0.05, 0.5])).sqrt().tolist()
    return low / middle if middle > 0 else 0.0


def _clusters(integers: Tensor) -> float:
    """The variance of the number of non-zero integers (N, 8, 8) in a block, relative to independent ones."""
    there = (integers[:, COUNTED] != 0).float()
    share = there.mean(0)
    return float(there.sum(1).var() / (share * (1 - share)).sum().clamp_min(1e-3))


def _quiet(energy: Tensor, mean: Tensor, steps: Tensor, level: float | None) -> Tensor:
    """The blocks with the quietest surroundings, relative to noise of the given level after quantisation."""
    expected = energy.mean((0, 1)) if level is None else _energy(steps, level)
    margin = ENDS * (level or 0.0)
    free = (mean > margin) & (mean < 255 - margin)
    free = free if int(free.sum()) >= LEAST else torch.ones_like(free)
    bands = [energy[..., b].mean(-1) / expected[b].mean().clamp_min(1e-3) for b in BANDS]
    score = torch.stack([around(band, 1) for band in bands]).amax(0)
    score = torch.where(free, score, torch.inf)
    count = max(LEAST // 2, int(SHARE * int(free.sum())))
    return score <= score.flatten().kthvalue(count).values


def _likeliest(integers: Tensor, steps: Tensor, band: Tensor) -> float:
    """The maximum likelihood σ of the coefficients (N, 8, 8) in a band, by how often each value occurs."""
    k, q = integers[:, band].abs().round().long(), steps[band]
    values = torch.arange(int(k.max()) + 1)
    counts = torch.stack([torch.bincount(one, minlength=len(values)) for one in k.T])
    edges = (torch.arange(len(values) + 1) - 0.5) * q[:, None] / LEVELS[:, None, None]
    fit = ndtr(edges).diff().clamp_min(1e-6).log().mul(counts).sum((1, 2))
    return float(LEVELS[int(fit.argmax())])


def _tails(energy: Tensor, steps: Tensor) -> float:
    """The largest ratio, over bands, of the energy (N, 8, 8) to that of a normal of the likeliest level."""
    k = energy.sqrt() / steps
    ratios: list[float] = []
    for band in BANDS:
        zero = float((k[:, band] < 0.5).float().mean())
        if zero < 1 - HEARD:
            level = _likeliest(k, steps, band)
            each = energy[:, band].mean(1)
            usual = each[each <= each.quantile(1 - OUTLIERS)].mean()
            ratios.append(float(usual / _energy(steps, level)[band].mean()))
    return max(ratios, default=float("inf"))


def _energy(steps: Tensor, level: float) -> Tensor:
    """E (k q)² of a quantised normal distribution (8, 8)."""
    k = torch.arange(-40, 41, dtype=steps.dtype)[:, None, None]
    share = ndtr((k + 0.5) * steps / level) - ndtr((k - 0.5) * steps / level)
    return (share * (k * steps).square()).sum(0)
