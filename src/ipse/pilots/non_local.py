"""Non-local estimates: similar patches are gathered, and each group Y (k patches × n pixels) is shrunk by linear
algebra, with the last estimate X̃ of the group in the truth's place.

    ridge         Y ↦ Θ Y     each patch from the others of its group     k × k    (``_ridge``)
    bayes         Y ↦ Y W     each pixel from the others of its patch     n × n    (``_bayes``)
    conditional   yᵢ ↦ Wᵢ yᵢ  the same, where pixels differ in noise      n × n    (``_conditional``)

The first two err differently, so that one after the other does better than either twice. Later steps denoise ½ (x̃ + y),
whose noise is half as large. Estimated patches are put back where they came from, with the inverse of the noise
that is left in them as weights.

Channels are decorrelated, similar patches are found in the first (luma), and shared.

Herbreteau and Kervrann, "Towards a unified view of unsupervised non-local methods for image denoising: the
NL-Ridge approach", 2022: https://arxiv.org/abs/2203.00570. The mixture with y is in the spirit of their "Linear
combinations of patches are unreasonably effective for single-image denoising": https://arxiv.org/abs/2212.00422.
Lebrun, Buades and Morel, "A nonlocal Bayesian image denoising algorithm", 2013: https://doi.org/10.1137/120874989.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from ipse.errors import OptionError
from ipse.pilots._bayes import bayes
from ipse.pilots._channels import decorrelate, mix_variance, recorrelate
from ipse.pilots._clipping import unclip
from ipse.pilots._conditional import conditional
from ipse.pilots._patches import CELL, References, patches, put_back, put_back_equal, similar
from ipse.pilots._ridge import blind, ridge
from ipse.pilots._steps import PRESETS, Preset, Step

TILE = 96  # pixels a side that are worked on at once; half of it …
SPARSE = 0.1  # … where fewer of the pixels are wanted, so that more tiles are left out
CHUNK = 256  # groups that are solved at once, all channels together
JOINT = 4  # channels at most that Bayes takes together: matrices grow with them
FEW = 16  # pixels: below, there are no groups of patches

Here = tuple[slice, slice, slice]


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
            (a value a channel, or a pixel).
        preset: how many steps, and how dense; the ``once``, ``small`` and ``twice`` ones, ``four``, ``five`` (pixels of
            a patch's side) and ``fine`` are for plug-and-play; the ``wide`` and ``narrow`` ones, with a guide, for
            pixels that differ in noise.
        clipped: the noisy picture was clipped to [0, 1]; the estimate is freed of the bias that this causes.
        guide: an estimate that is already there; the first step goes on from it.
        where: the pixels that are wanted, bool (1, 1, H, W), for presets of one step; elsewhere y may come back.

    Returns:
        The estimate (1, C, H, W).

    Raises:
        OptionError: a negative sigma, or an unknown preset.
    """
    steps = non_local_steps(y, sigma, preset=preset, clipped=clipped, guide=guide, where=where)
    return deque(steps, maxlen=1)[0]


@torch.no_grad()
def non_local_steps(
    y: Tensor,
    sigma: float | Tensor,
    *,
    preset: Preset = "good",
    clipped: bool = False,
    guide: Tensor | None = None,
    where: Tensor | None = None,
) -> Iterator[Tensor]:
    """Yield the estimate after each step; the last is what ``non_local`` returns of the same arguments."""
    if preset not in PRESETS:
        raise OptionError(f"preset {preset!r} is unknown: choose one of {', '.join(PRESETS)}")
    level = torch.as_tensor(sigma, dtype=y.dtype, device=y.device)
    if not bool((level >= 0).all()):
        raise OptionError(f"sigma {float(level.min()):g} is no noise level: give 0 or more")
    if not bool((level > 0).any()):
        yield y.clone()
        return
    level = level.expand(y.shape)[0]
    start = None if guide is None else decorrelate(guide[0])
    wanted = None if where is None else where[0, 0].cpu()
    for x in _estimates(decorrelate(y[0]), start, mix_variance(level**2), PRESETS[preset], wanted):
        mixed = recorrelate(x)
        yield (unclip(mixed, level) if clipped else mixed)[None]


def _estimates(
    noisy: Tensor, guide: Tensor | None, variance: Tensor, steps: tuple[Step, ...], where: Tensor | None
) -> Iterator[Tensor]:
    """Denoise decorrelated channels (C, H, W)."""
    if noisy[0].numel() < FEW:
        yield _shrink(noisy, variance) if guide is None else guide
        return
    for step in steps:
        guide = _step(noisy, guide, variance, step, where)
        yield guide


def _step(noisy: Tensor, guide: Tensor | None, variance: Tensor, step: Step, where: Tensor | None) -> Tensor:
    """Estimate (C, H, W) from ``noisy`` with the last estimate as guide; None makes it the first step."""
    if guide is not None:
        noisy = guide + step.noisy * (noisy - guide)
        variance = variance * step.noisy**2
    size = (noisy.shape[1], noisy.shape[2])
    wanted = References.over(size, step.patch, step.stride)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)

    def shrunk(piece: tuple[Here, References]) -> tuple[Here, Tensor, Tensor]:
        here, inside = piece
        with torch.no_grad():  # a thread has its own switch
            known = None if guide is None else guide[here]
            return here, *_tile(noisy[here], known, variance[here], step, inside)

    threads = 1 if noisy.is_cuda else torch.get_num_threads()  # many small matrices keep no two cores busy
    pool = ThreadPoolExecutor(threads)
    try:
        pieces = _pieces(wanted, step, size, where)
        for here, estimate, trust in pool.map(shrunk, pieces):  # in turn: sums repeat
            total[here] += estimate
            weight[here] += trust
    finally:  # Ctrl-C waits for the pieces under way, not for all
        pool.shutdown(cancel_futures=True)
    return total / weight if where is None else torch.where(weight > 0, total / weight, noisy)


def _pieces(
    wanted: References, step: Step, size: tuple[int, int], where: Tensor | None
) -> Iterator[tuple[Here, References]]:
    """Parts of a picture with the references in each, and the pixels that these search, where any is wanted."""
    side = TILE if where is None or float(where.float().mean()) > SPARSE else TILE // 2
    tile = max(1, side // step.stride // CELL) * CELL  # whole cells: the search is the same however it is cut
    for top in range(0, len(wanted.ys), tile):
        for left in range(0, len(wanted.xs), tile):
            ys, xs = wanted.ys[top : top + tile], wanted.xs[left : left + tile]
            rows = _reach(ys, wanted.sides[0], step.window, size[0])
            columns = _reach(xs, wanted.sides[1], step.window, size[1])
            if where is not None and not bool(where[rows, columns].any()):
                continue
            inside = References(wanted.sides, [y - rows.start for y in ys], [x - columns.start for x in xs])
            yield (slice(None), rows, columns), inside


def _shrink(noisy: Tensor, variance: Tensor) -> Tensor:
    """Wiener's estimate around each channel's mean, for a picture (C, H, W) of a few pixels."""
    mean = noisy.mean((1, 2), keepdim=True)
    energy = ((noisy - mean) ** 2).mean((1, 2), keepdim=True)
    return mean + (noisy - mean) * (1 - variance / energy.clamp(min=1e-12)).clamp(min=0)


def _reach(starts: list[int], side: int, window: int, length: int) -> slice:
    """The pixels that references at ``starts`` search."""
    return slice(max(0, starts[0] - window // 2), min(length, starts[-1] + side + window // 2))


def _shrunk(Y: Tensor, X: Tensor | None, energy: Tensor, group: Tensor, step: Step) -> tuple[Tensor, Tensor]:
    """Weighted estimates (C, groups·k, n) of the patches in ``group`` (groups, k), and the weights."""
    y, d = Y[:, group], energy[:, group]
    if X is None:
        estimate, trust = blind(y, d, surplus=step.surplus)
    elif step.by == "conditional":
        estimate, trust = conditional(y, X[:, group], d)
    else:
        x, joint = X[:, group], JOINT if step.by == "bayes" else len(Y)
        parts = [slice(first, first + joint) for first in range(0, len(Y), joint)]
        shrink = bayes if step.by == "bayes" else ridge
        estimate, trust = map(torch.cat, zip(*(shrink(y[c], x[c], d[c]) for c in parts), strict=True))
    return (estimate * trust[..., None]).flatten(1, 2), trust.flatten(1, 2)


def _tile(
    noisy: Tensor, guide: Tensor | None, variance: Tensor, step: Step, wanted: References
) -> tuple[Tensor, Tensor]:
    """Weighted sum of estimated patches, and the sum of weights, each (C, H, W)."""
    size, sides = (noisy.shape[1], noisy.shape[2]), wanted.sides
    places = (size[0] - sides[0] + 1, size[1] - sides[1] + 1)
    Y = patches(noisy, sides)
    X = None if guide is None else patches(guide, sides)
    energy = patches(variance, sides)
    energy = energy if step.by == "conditional" else energy.sum(2)
    found = similar((Y if X is None else X)[0], places, wanted, count=step.count, window=step.window)
    total, weight = torch.zeros_like(Y), Y.new_zeros(Y.shape[:2])
    chunk = max(1, CHUNK // len(Y))
    for start in range(0, len(found), chunk):
        group = found[start : start + chunk]
        estimate, trust = _shrunk(Y, X, energy, group, step)
        index = group.flatten().expand(len(Y), -1)
        total.scatter_add_(1, index[..., None].expand(-1, -1, Y.shape[2]), estimate)
        weight.scatter_add_(1, index, trust)
    return put_back(total, size, sides), put_back_equal(weight, size, sides)
