"""Non-local estimates: similar patches are gathered, and each group Y (k patches × n pixels) is shrunk by linear
algebra, in which the last estimate X̃ of the group stands for the ground truth.

    ridge         Y ↦ Θ Y     each patch from the others of its group     k × k    (``_ridge``)
    bayes         Y ↦ Y W     each pixel from the others of its patch     n × n    (``_bayes``)
    conditional   yᵢ ↦ Wᵢ yᵢ  the same, where pixels differ in noise      n × n    (``_conditional``)

The errors of the first two differ, so that applying both is better than applying either twice. Later steps denoise
½ (x̃ + y), whose noise is half as strong. The estimated patches are averaged at their places, weighted by the inverse of
their remaining noise.

Channels are decorrelated. Similar patches are found in the first one (luma), and used for all.

Herbreteau and Kervrann, "Towards a unified view of unsupervised non-local methods for image denoising: the
NL-Ridge approach", 2022: https://arxiv.org/abs/2203.00570. The mixture with y is in the spirit of their "Linear
combinations of patches are unreasonably effective for single-image denoising": https://arxiv.org/abs/2212.00422.
Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm", 2013: https://doi.org/10.1137/120874989.
"""

from collections import deque
from collections.abc import Iterator

import torch
from torch import Tensor

from ipse.errors import OptionError
from ipse.noise.clipping import stored, unclip
from ipse.pilots._bayes import bayes
from ipse.pilots._channels import decorrelate, mix_variance, recorrelate
from ipse.pilots._conditional import conditional
from ipse.pilots._patches import References, patches, put_back, put_back_equal, similar, sums
from ipse.pilots._pieces import Part, Piece, mapped, pieces
from ipse.pilots._ridge import blind, ridge
from ipse.pilots._steps import PRESETS, Preset, Step, millions

CHUNK = 1 << 18  # number of values in the groups that are solved at once; more do not fit a processor's cache
JOINT = 4  # largest number of channels that Bayes estimates together, since the matrices grow with it
FEW = 16  # number of pixels below which there are no groups of patches


def non_local(
    y: Tensor,
    sigma: float | Tensor,
    *,
    preset: Preset = "good",
    clipped: bool = False,
    guide: Tensor | None = None,
    where: Tensor | None = None,
) -> Tensor:
    """Denoise y = x + n, n white and Gaussian.

    Args:
        y: a noisy picture (1, C, H, W).
        sigma: standard deviation of the noise, in units of y: a number, or a tensor that broadcasts with y
            (a value for each channel or pixel).
        preset: number and density of the steps; ``once``, ``small``, ``twice``, ``four``, ``five`` (the patch's side in
            pixels) and ``fine`` are for plug-and-play; ``wide`` and ``narrow``, with a guide, for noise that differs
            from pixel to pixel.
        clipped: whether the noisy picture was clipped to [0, 1]; sigma is then the level before clipping, and the bias
            of clipping is removed from the estimate.
        guide: an existing estimate, from which the first step continues.
        where: the pixels to estimate, bool (1, 1, H, W), for presets with one step; others may be unchanged.

    Returns:
        The estimate (1, C, H, W).

    Raises:
        OptionError: a negative sigma, or an unknown preset.
    """
    steps = non_local_steps(y, sigma, preset=preset, clipped=clipped, guide=guide, where=where)
    return deque(steps, maxlen=1)[0][0]


@torch.no_grad()
def non_local_steps(
    y: Tensor,
    sigma: float | Tensor,
    *,
    preset: Preset = "good",
    clipped: bool = False,
    guide: Tensor | None = None,
    where: Tensor | None = None,
) -> Iterator[tuple[Tensor, bool]]:
    """Yield estimates as ``non_local`` makes them, the last of which it returns, and whether a step has ended there.

    While a step is under way, what it has not come to yet is as the step before, or the guide, left it; a first step
    without a guide says nothing.
    """
    if preset not in PRESETS:
        raise OptionError(f"preset {preset!r} is unknown: choose one of {', '.join(PRESETS)}")
    level = torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
    if not bool((level >= 0).all()):
        raise OptionError(f"sigma {float(level.min()):g} is no noise level: give 0 or more")
    if not bool((level > 0).any()):
        yield y.clone(), True
        return
    level = level.expand(y.shape)[0]
    start = None if guide is None else decorrelate(guide[0])
    wanted = None if where is None else where[0, 0].cpu()
    shown, below, ended = (y if guide is None else guide)[0].clone(), 0, guide is not None
    variance = mix_variance((stored(level) if clipped else level) ** 2)
    for strip in _strips(decorrelate(y[0]), start, variance, PRESETS[preset], wanted):
        rows = slice(below, below + strip.shape[1])
        mixed = recorrelate(strip)
        shown[:, rows] = unclip(mixed, level[:, rows]) if clipped else mixed
        below = rows.stop % shown.shape[1]
        ended = ended or not below
        if ended:
            yield shown[None].clone(), not below


def _strips(
    noisy: Tensor, guide: Tensor | None, variance: Tensor, steps: tuple[Step, ...], where: Tensor | None
) -> Iterator[Tensor]:
    """Denoise decorrelated channels (C, H, W); each step's estimate comes strip by strip, from the top down."""
    if noisy[0].numel() < FEW:
        yield _shrink(noisy, variance) if guide is None else guide
        return
    for step in steps:
        strips: list[Tensor] = []
        for strip in _step(noisy, guide, variance, step.over(*noisy.shape[1:]), where):
            strips.append(strip)
            yield strip
        guide = torch.cat(strips, 1)


def _step(
    noisy: Tensor, guide: Tensor | None, variance: Tensor, step: Step, where: Tensor | None
) -> Iterator[Tensor]:
    """Estimate (C, H, W) from ``noisy`` with the last estimate as guide, in strips; None makes it the first step."""
    if guide is not None:
        noisy = guide + step.noisy * (noisy - guide)
        variance = variance * step.noisy**2
    size = (noisy.shape[1], noisy.shape[2])
    wanted = References.over(size, step.patch, step.stride)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)

    def shrunk(piece: Piece) -> Part:
        here, inside = piece
        with torch.no_grad():  # the setting belongs to each thread
            known = None if guide is None else guide[here]
            return here, *_tile(noisy[here], known, variance[here], step, inside)

    def estimated(rows: slice) -> Tensor:
        found = total[:, rows] / weight[:, rows]
        return found if where is None else torch.where(weight[:, rows] > 0, found, noisy[:, rows])

    done = 0
    cut, work = pieces(wanted, step, size, where), step.cost * millions(noisy)
    for here, estimate, trust in mapped(shrunk, cut, noisy.device.type, work):
        if here[1].start > done:  # no remaining piece reaches above it
            yield estimated(slice(done, here[1].start))
            done = here[1].start
        total[here] += estimate  # in a fixed order, so that the sums are reproducible
        weight[here] += trust
    yield estimated(slice(done, size[0]))


def _shrink(noisy: Tensor, variance: Tensor) -> Tensor:
    """Wiener's estimate around each channel's mean, for a picture (C, H, W) of a few pixels."""
    mean = noisy.mean((1, 2), keepdim=True)
    energy = ((noisy - mean) ** 2).mean((1, 2), keepdim=True)
    return mean + (noisy - mean) * (1 - variance / energy.clamp(min=1e-12)).clamp(min=0)


def _shrunk(y: Tensor, x: Tensor | None, d: Tensor, step: Step) -> tuple[Tensor, Tensor]:
    """Estimates (groups, k, n) of groups of patches, and the weights (groups, k)."""
    if x is None:
        return blind(y, d, surplus=step.surplus)
    return {"ridge": ridge, "bayes": bayes, "conditional": conditional}[step.by](y, x, d)


def _tile(
    noisy: Tensor, guide: Tensor | None, variance: Tensor, step: Step, wanted: References
) -> tuple[Tensor, Tensor]:
    """Weighted sum of estimated patches, and the sum of weights, each (C, H, W)."""
    size, sides = (noisy.shape[1], noisy.shape[2]), wanted.sides
    places = (size[0] - sides[0] + 1, size[1] - sides[1] + 1)
    luma = patches((noisy if guide is None else guide)[:1], sides)
    found = similar(luma, places, wanted, count=step.count, window=step.window)
    joint = len(noisy) if guide is None else JOINT if step.by == "bayes" else 1
    total, weight = torch.empty_like(noisy), torch.empty_like(noisy)
    for first in range(0, len(noisy), joint):
        band = slice(first, first + joint)
        d = (patches if step.by == "conditional" else sums)(variance[band], sides)
        x = None if guide is None else patches(guide[band], sides)
        rows, worth = _joined(patches(noisy[band], sides), x, d, found, step)
        total[band] = put_back(rows, size, sides)
        weight[band] = put_back_equal(worth, size, sides)
    return total, weight


def _joined(Y: Tensor, X: Tensor | None, D: Tensor, found: Tensor, step: Step) -> tuple[Tensor, Tensor]:
    """Weighted sums (places, n) of the estimates of each patch, from all groups, and of their weights (places,)."""
    total, weight = torch.zeros_like(Y), Y.new_zeros(len(Y))
    for group in found.split(max(1, CHUNK // (found.shape[1] * Y.shape[1]))):
        index = group.flatten()

        def gathered(rows: Tensor, index: Tensor = index, size: torch.Size = group.shape) -> Tensor:
            return rows.index_select(0, index).view(*size, -1)

        estimate, trust = _shrunk(gathered(Y), None if X is None else gathered(X), gathered(D), step)
        total.index_add_(0, index, estimate.mul_(trust[..., None]).flatten(0, 1))
        weight.index_add_(0, index, trust.flatten())
    return total, weight
