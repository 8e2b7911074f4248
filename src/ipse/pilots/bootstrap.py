"""x* = p + β f_θ(v(y)),    θ = argmin Σᵢ ‖tᵢ − pᵢ − f_θ(v(yᵢ))‖²,    tᵢ a part of p,   yᵢ = damage(tᵢ)

The estimate p is used as ground truth: it is damaged like the picture and restored again, so that the error is known.
A small network learns to predict this error from the estimates v, of which p is the last, and is then applied to p
itself. Every other replicate is downsampled first, because p lacks the finest detail, and has as much detail as the
truth after downsampling. β is the optimal weight for one more replicate, or for a picture whose truth is known.

Replicates are crops of p, so that a large picture costs no more than a small one.

Efron, "Bootstrap methods: another look at the jackknife", 1979, https://doi.org/10.1214/aos/1176344552 (the parametric
bootstrap; a network in place of its constant is ours).
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import accumulate, cycle, islice
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ipse.pilots._correction import LEARNING, Correction

SIDE = 384  # maximum side of a replicate, in pixels
PIXELS = 3 * SIDE**2 // 2  # minimum number of pixels of all replicates
FEWEST, MOST = 2, 12  # minimum and maximum number of replicates
SCALES = (1.0, 0.6)  # scales of the replicates, in turn
REPORT = 10  # steps of the network between two events
LEAST = 48  # minimum side of a picture, in pixels


@dataclass(frozen=True)
class Replicate:
    """A damaged picture whose truth is known."""

    truth: Tensor  #: (1, C, h, w)
    views: Tensor  #: estimates of it (V, C, h, w), the last the one that is corrected


def bootstrap(
    views: Tensor,
    *,
    again: Callable[[Tensor, torch.Generator], Generator[object, None, Tensor]],
    judge: Tensor | None = None,
    grid: int = 1,
    seed: int,
) -> Iterator[Tensor]:
    """Yield p while the network learns, then the corrected p; nothing if the picture is too small.

    Args:
        views: estimates of the picture (V, C, H, W), the last of which is p.
        again: damages a picture (1, C, h, w), and returns its estimates, as many as there are views; it may yield
            anything in between, so that the caller regains control.
        judge: a similar picture (1, C, h, w) whose truth is known; by default another crop of p is used.
        grid: period of the damage in pixels; crops are multiples of it, and not aligned to it.
        seed: random seed.
    """
    pilot, generator = views[-1:], torch.Generator().manual_seed(seed)
    if min(pilot.shape[-2:]) < max(LEAST, 4 * grid):
        return
    seen: list[Replicate] = []
    for scale in scales((pilot.shape[-2], pilot.shape[-1])):
        truth = part(pilot, generator, scale=scale, grid=grid)
        seen.append(Replicate(truth, (yield from _meanwhile(pilot, again(truth, generator)))))
    truth = part(pilot, generator, grid=grid) if judge is None else judge
    known = Replicate(truth, (yield from _meanwhile(pilot, again(truth, generator))))
    correction = Correction([(one.truth, one.views) for one in seen], generator)
    for step, _ in enumerate(correction.fitted()):
        if step % REPORT == 0:
            yield pilot
    share = believed(known, correction(known.views))
    yield pilot + share * correction(views) if share else pilot


def _meanwhile(pilot: Tensor, work: Generator[object, None, Tensor]) -> Generator[Tensor, None, Tensor]:
    """Yield p whenever ``work`` yields, and when it is done; return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            yield pilot
            return cast(Tensor, done.value)
        yield pilot


def whole_cost(views: float, y: Tensor) -> float:
    """The work of estimates of a picture (1, C, H, W) whose own is ``views``, and of their correction."""
    height, width = y.shape[-2:]
    if min(height, width) < LEAST:
        return views
    return views * (1 + replicated((height, width)) / (height * width)) + LEARNING


def replicated(size: tuple[int, int]) -> float:
    """The number of pixels that are restored again for a picture (H, W), including the judge."""
    return sum(scale**2 for scale in [1.0, *scales(size)]) * min(SIDE, size[0]) * min(SIDE, size[1])


def scales(size: tuple[int, int]) -> list[float]:
    """The scales of the replicates for a picture (H, W)."""
    whole = min(SIDE, size[0]) * min(SIDE, size[1])
    drawn = list(islice(cycle(SCALES), MOST))
    short = sum(pixels < PIXELS for pixels in accumulate(scale**2 * whole for scale in drawn))
    return drawn[: max(FEWEST, short + 1)]


def spread(estimates: list[Tensor], count: int) -> list[Tensor]:
    """Choose ``count`` of a sequence of estimates: half of them the last ones, the others evenly spaced before."""
    late = min(count // 2, len(estimates))
    early = estimates[: len(estimates) - late]
    chosen = sorted({round(place * len(early) / (count - late)) for place in range(count - late)})
    return [early[index] for index in chosen if index < len(early)] + estimates[len(estimates) - late :]


def part(x: Tensor, generator: torch.Generator, *, scale: float = 1.0, grid: int = 1) -> Tensor:
    """Choose a random crop of a picture (1, C, H, W), and downsample it."""
    x = x[..., *window(x, generator, grid=1 if scale < 1 else grid)]
    if scale < 1:
        small = interpolate(x, scale_factor=scale, mode="bicubic", antialias=True)
        x = small.clamp(float(x.min()), float(x.max()))
        x = x[..., *window(x, generator, grid=grid)]
    return x


def window(x: Tensor, generator: torch.Generator, *, grid: int = 1) -> tuple[slice, slice]:
    """Choose random rows and columns of a picture (1, C, H, W); sides are multiples of ``grid``, starts are not."""
    found: list[slice] = []
    for length in x.shape[-2:]:
        side = max(grid, min(SIDE, length - grid + 1) // grid * grid)
        starts = [start for start in range(length - side + 1) if grid == 1 or start % grid] or [0]
        start = starts[int(torch.randint(len(starts), (), generator=generator))]
        found.append(slice(start, start + side))
    return found[0], found[1]


def believed(known: Replicate, correction: Tensor) -> float:
    """The weight of the correction, from 0 to 1, that brings the estimate closest to the known truth."""
    wanted = known.truth - known.views[-1:]
    energy = float((correction * correction).sum())
    return min(max(float((correction * wanted).sum()) / energy, 0.0), 1.0) if energy > 0 else 0.0
