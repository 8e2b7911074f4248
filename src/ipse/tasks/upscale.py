"""Super-resolution: argmin_θ ‖A f_θ(z) − y‖² + λ TV(f_θ(z)), A the downsampling operator; then x ← Π(D_σ(x)).

Here the network's structure is the best prior. The fit starts from noise, because a first estimate would only pull it
back to the blur of interpolation. The network's output is then refined by plug-and-play: non-local denoising D
alternates with Π, the projection onto the pictures whose downsampled version is y (measured:
docs/decisions/upscale.md). ``fast`` starts the refinement from interpolation if it can, because the network takes most
of the time and self-similarity alone brings most of the gain. ``best`` uses more rounds, and learns to correct their
errors from its own result (docs/decisions/best.md).
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from torch import Generator as Draws
from torch import Tensor
from torch.nn.functional import interpolate

from ipse.engine.fit import Fit
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.operators import Downsample
from ipse.engine.operators.consistent import Consistent
from ipse.engine.problem import Pilot, Problem, Recipe
from ipse.engine.stopping import Last
from ipse.engine.until import until
from ipse.pictures import Picture
from ipse.pilots import bootstrap
from ipse.pilots.back_projection import back_projection
from ipse.pilots.bootstrap import SIDE as MOST
from ipse.pilots.supported import supported
from ipse.settings import Settings
from ipse.tasks import _common, _paper, _stored
from ipse.tasks._repeated import count, refined

Kernel = Literal["bicubic", "lanczos2", "lanczos3", "box"]


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset, chosen in docs/decisions/upscale.md and best.md."""

    steps: int  #: number of steps for a result of ``side`` × ``side`` pixels
    average: float  #: factor of the moving average of outputs; short fits need a short average
    alone: int  #: factor on the number of steps without refinement; ``fall`` is then 1
    rate: float = 0.02  #: learning rate
    long: tuple[float, float] | None = (
        None  #: learning rate and ``average`` without refinement, if they differ
    )
    side: int = 300  #: side in pixels from which a result, which has more to learn from, needs fewer steps
    fall: int = 3  #: a larger one needs (``side`` / its own side) ** ``fall`` times as many
    least: int = 30  #: number of steps at least
    smoothness: float = 0.002  #: weight of the mean TV
    early: float = (
        0.8  #: fraction of the rounds up to which the network's output is yielded: it may be better
    )
    first: float = 6 / 255  #: first σ, per unit of the factor, of a refinement that starts from interpolation
    noise: float = 1 / 255  #: with several seeds and no fit, σ of the noise that each run adds to y
    views: int = 6  #: number of rounds whose estimates ``best`` learns from
    judge: int = 96  #: smallest side of y, in pixels, for y to judge the learnt correction


NUMBERS: dict[str, Numbers] = {
    "fast": Numbers(60, 0.9, alone=2),
    "good": Numbers(150, 0.97, alone=2),
    "best": Numbers(150, 0.97, alone=8, long=(0.01, 0.99)),
}
ROUNDS = 20  # number of alternating projections, onto the measurement and onto [0, 1]
FACTOR = 4  # largest factor for which ``fast`` skips the network
CHANNELS = 4  # largest number of channels for which ``fast`` skips it; for more, the network is cheaper
PULSE = 5  # number of steps of a fit within the correction between two events, at which the user may stop


def upscale(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    factor: Annotated[int, "Scale factor of each side, 2 to 8."],
    kernel: Annotated[Kernel, "Kernel it was downsampled with."] = "bicubic",
) -> Problem:
    """Enlarge a picture so that downsampling the result gives the input back.

    Raises:
        OptionError: an invalid factor or kernel.
    """
    y = _common.tensor(picture, settings)
    if settings.preset == "paper":
        return _published(y, settings, factor)
    operator = Downsample(factor, kernel=kernel).to(y.device)
    half = _stored.rounding(picture, y)  # downsampled and rounded as stored, the result equals y
    return enlargement(y, operator, half, settings, {"factor": factor, "kernel": kernel})


def enlargement(
    y: Tensor, operator: Downsample, rounding: float, settings: Settings, estimates: dict[str, object]
) -> Problem:
    """The problem of a picture y (1, C, h, w), which is downsampled to within ``rounding``."""
    asked = (settings.steps, settings.rule, settings.network, settings.latent) != (None,) * 4
    quick = settings.preset == "fast" and operator.factor <= FACTOR and y.shape[1] <= CHANNELS
    if quick and not asked:
        return _unfitted(y, operator, rounding, estimates)
    return _fitted(y, operator, rounding, settings, estimates)


def _published(y: Tensor, settings: Settings, factor: int) -> Problem:
    """The reference's fit, with its downsampling kernel."""
    paper = _paper.upscale(factor)
    return Problem(
        prior=paper.prior(y, settings, size=(y.shape[-2] * factor, y.shape[-1] * factor)),
        objective=LeastSquares(y, Downsample(factor, kernel="lanczos2").to(y.device)),
        recipe=paper.recipe(settings),
        rule=_common.rule(settings, Last),
    )


def _fitted(
    y: Tensor, operator: Downsample, rounding: float, settings: Settings, estimates: dict[str, object]
) -> Problem:
    """The network on noise, its result projected onto the pictures whose downsampled version is y."""
    size = _enlarged(y, operator)
    consistent = Consistent(operator, y, size)
    asked = settings.network is not None or settings.latent is not None  # for the network itself
    numbers = NUMBERS[settings.preset]
    share = min(1.0, numbers.side / (size[0] * size[1]) ** 0.5)
    share = numbers.alone * share if asked else share**numbers.fall
    steps = max(numbers.least, round(numbers.steps * share))
    rate, average = (numbers.long if asked else None) or (numbers.rate, numbers.average)
    recipe = _common.recipe(settings, Recipe(steps=steps, learning_rate=rate, average=average))
    told = replace(settings, steps=recipe.steps)
    return Problem(
        prior=_common.free_prior(y, settings, size=size),
        objective=LeastSquares(y, operator) + numbers.smoothness * TotalVariation(),
        recipe=recipe,
        rule=_common.rule(settings, Last),
        pilot=Pilot(lambda: _interpolated(y, operator, size)),
        refine=None if asked else lambda x: _finished(x, consistent, told),
        outputs=_outputs(consistent, rounding),
        estimates=estimates,
    )


def _finished(x: Tensor, consistent: Consistent, settings: Settings) -> Iterator[Tensor]:
    """Refine the network's output; ``best`` then learns to correct the result, judged by y if y is large enough."""
    y, operator, numbers = consistent.y, consistent.operator, NUMBERS[settings.preset]
    found = [consistent(x, rounds=ROUNDS)]
    early = numbers.early * count(_common.effort(settings))
    for number, better in enumerate(refined(x, consistent, _common.effort(settings))):
        yield x if number < early else better
        found += [better] if settings.preset == "best" else []
    if settings.preset != "best":
        return

    def again(truth: Tensor, generator: Draws) -> Generator[Tensor, None, Tensor]:
        told = Settings(
            seed=int(torch.randint(2**31, (), generator=generator)),
            steps=settings.steps,
            rule=settings.rule,
            device=settings.device,
            precision=settings.precision,
        )
        drawn = yield from _drawn(operator(truth).clamp(0, 1), operator, told)
        return torch.cat(bootstrap.spread(drawn, numbers.views))

    judge = y[..., *(_middle(side, operator.factor) for side in y.shape[-2:])]
    yield from bootstrap.bootstrap(
        torch.cat(bootstrap.spread(found, numbers.views)),
        again=again,
        judge=judge if min(judge.shape[-2:]) >= numbers.judge else None,
        grid=operator.factor,
        seed=settings.seed,
    )


def _middle(side: int, factor: int) -> slice:
    """The central part of a side that judges: at most as long as a replicate, and a multiple of the factor."""
    most = min(MOST, side) // factor * factor
    start = (side - most) // 2
    return slice(start, start + most)


def _drawn(y: Tensor, operator: Downsample, settings: Settings) -> Generator[Tensor, None, list[Tensor]]:
    """Fit a network to y and refine its output; return the output after each round. Yields progress on the way."""
    problem = _fitted(y, operator, 0.0, settings, {})
    fitted = yield from fit(problem)
    consistent = Consistent(operator, y, _enlarged(y, operator))
    found = [consistent(fitted, rounds=ROUNDS)]
    for better in refined(found[0], consistent, "best"):
        yield better
        found.append(better)
    return found


def fit(problem: Problem) -> Generator[Tensor, None, Tensor]:
    """Fit the prior of a problem as part of another estimate; yields progress on the way."""
    search = until(Fit(problem), problem.rule)
    for state in search:
        if state.step % PULSE == 0:
            yield state.average
    assert search.best is not None  # the rule keeps a step
    return search.best


def _unfitted(y: Tensor, operator: Downsample, rounding: float, estimates: dict[str, object]) -> Problem:
    """The problem without a fit: refinement by self-similarity, starting from interpolation."""
    size, numbers = _enlarged(y, operator), NUMBERS["fast"]
    consistent = Consistent(operator, y, size)

    def found(seen: Consistent) -> Iterator[Tensor]:
        *_, start = _interpolated(seen.y, operator, size)
        yield start
        yield from refined(start, seen, "fast", numbers.first * operator.factor)

    def perturbed(seed: int) -> Iterator[Tensor]:
        return found(Consistent(operator, _common.noisier(y, numbers.noise, seed), size))

    return Problem(
        prior=None,
        objective=LeastSquares(y, operator),
        recipe=_common.alone(),
        pilot=Pilot(lambda: found(consistent), perturbed),
        outputs=_outputs(consistent, rounding),
        estimates=estimates,
    )


def _outputs(consistent: Consistent, rounding: float) -> Callable[[Tensor], Tensor]:
    """Project onto the pictures whose downsampled version is y to within rounding; keep detail that y supports."""
    y, operator = consistent.y, consistent.operator
    base = interpolate(y, size=_enlarged(y, operator), mode="bicubic")
    rounded = consistent.within(rounding)

    def outputs(x: Tensor) -> Tensor:
        return rounded(supported(consistent(x), base, y, operator, rounding=rounding), rounds=ROUNDS)

    return outputs


def _enlarged(y: Tensor, operator: Downsample) -> tuple[int, int]:
    """(H, W) of the result."""
    return y.shape[-2] * operator.factor, y.shape[-1] * operator.factor


def _interpolated(y: Tensor, operator: Downsample, size: tuple[int, int]) -> Iterator[Tensor]:
    """Yield bicubic interpolation, then steps of back-projection, which bring its downsampled version to y."""
    return back_projection(y, operator, lambda r: interpolate(r, size=size, mode="bicubic"))
