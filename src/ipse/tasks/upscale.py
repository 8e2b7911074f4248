"""Super-resolution: argmin_θ ‖A f_θ(z) − y‖² + λ TV(f_θ(z)), A the down-sampling; then x ← Π(D_σ(x)).

Here the network's own structure is the best prior: the fit starts from noise, not from a pilot, which would only pull
it back to the blur of interpolation. What the network drew is then made to agree with itself: non-local denoising D in
turn with Π, the projection onto the pictures that measure y (measured: docs/decisions/upscale.md). ``fast`` starts that
from interpolation where it can: the network takes most of the time, and repetition alone brings most of the gain.
``best`` takes more rounds, and learns what they get wrong from its own result (docs/decisions/best.md).
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from ipse.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from torch import Generator as Draws
    from torch import Tensor

    from ipse.engine.operators import Downsample
    from ipse.engine.operators.consistent import Consistent
    from ipse.engine.problem import Problem
    from ipse.pictures import Picture

Kernel = Literal["bicubic", "lanczos2", "lanczos3", "box"]

STEPS = {"fast": 60, "good": 150, "best": 150}  # up to …
SIDE = 300  # … pixels a side of the result; a larger one has more to learn from, and needs fewer …
FALL = 3  # … by this power of its side (the first where the network is alone) …
LEAST = 30  # … but no fewer
ALONE = {"fast": 2, "good": 2, "best": 8}  # times as many where nothing refines what the network drew
ROUNDS = 20  # of projections, in turn onto the measurement and the range [0, 1]
EARLY = 0.8  # of the rounds that refine: until then what the network drew may be better, by 0.2 dB on kodim02 even then
SMOOTHNESS = 0.002  # of TV, per pixel
RATE, AVERAGE = 0.02, {"fast": 0.9, "good": 0.97, "best": 0.97}  # a short fit must forget its beginning
LONG = (0.01, 0.99)  # rate and average of a long one
NEAR = 6 / 255  # first σ, times the factor, where the rounds start from interpolation
FACTOR = 4  # up to which ``fast`` does without the network …
CHANNELS = 4  # … if there are no more: the network draws many for the price of one
VIEWS = 6  # of the rounds, that ``best`` learns from
TOLD = 5  # steps of a fit within those, after which there is a chance to stop
JUDGE = 96  # pixels a side that y must have to judge what was learnt
NOISE = 1 / 255  # of σ, added to what was measured, in each of several runs that fit nothing


def upscale(
    picture: "Picture",
    settings: Settings = Settings(),
    *,
    factor: Annotated[int, "Scale factor of each side, 2 to 8."],
    kernel: Annotated[Kernel, "Kernel it was downsampled with."] = "bicubic",
) -> "Problem":
    """Enlarge a picture so that downsampling the result gives the input back.

    Raises:
        OptionError: a factor or kernel that cannot be used.
    """
    from ipse.engine.operators import Downsample
    from ipse.tasks import _common, _stored

    y = _common.tensor(picture, settings)
    if settings.preset == "paper":
        return _published(y, settings, factor)
    operator = Downsample(factor, kernel=kernel).to(y.device)
    asked = (settings.steps, settings.rule, settings.network, settings.latent) != (None,) * 4
    quick = settings.preset == "fast" and factor <= FACTOR and y.shape[1] <= CHANNELS
    estimates: dict[str, object] = {"factor": factor, "kernel": kernel}
    half = _stored.rounding(picture, y)  # made small again, and rounded as it was stored, the result is y
    if quick and not asked:
        return _unfitted(y, operator, half, estimates)
    return _fitted(y, operator, half, settings, estimates)


def _published(y: "Tensor", settings: Settings, factor: int) -> "Problem":
    """The reference's own fit, down-sampled as it does."""
    from ipse.engine.objectives import LeastSquares
    from ipse.engine.operators import Downsample
    from ipse.engine.problem import Problem
    from ipse.engine.stopping import Last
    from ipse.tasks import _common, _paper

    paper = _paper.upscale(factor)
    return Problem(
        prior=paper.prior(y, settings, size=(y.shape[-2] * factor, y.shape[-1] * factor)),
        objective=LeastSquares(y, Downsample(factor, kernel="lanczos2").to(y.device)),
        recipe=paper.recipe(settings),
        rule=_common.rule(settings, Last),
    )


def _fitted(
    y: "Tensor", operator: "Downsample", rounding: float, settings: Settings, estimates: dict[str, object]
) -> "Problem":
    """The network from noise, its result projected onto the pictures that measure y."""
    from ipse.engine.objectives import LeastSquares, TotalVariation
    from ipse.engine.operators.consistent import Consistent
    from ipse.engine.problem import Problem, Recipe
    from ipse.engine.stopping import Last
    from ipse.tasks import _common

    size = _enlarged(y, operator)
    consistent = Consistent(operator, y, size)
    asked = settings.network is not None or settings.latent is not None  # for the network itself
    share = min(1.0, SIDE / (size[0] * size[1]) ** 0.5)
    preset = settings.preset
    share = ALONE[preset] * share if asked else share**FALL
    steps = max(LEAST, round(STEPS[preset] * share))
    rate, average = LONG if asked and preset == "best" else (RATE, AVERAGE[preset])
    recipe = _common.recipe(settings, Recipe(steps=steps, learning_rate=rate, average=average))
    told = replace(settings, steps=recipe.steps)
    return Problem(
        prior=_common.free_prior(y, settings, size=size),
        objective=LeastSquares(y, operator) + SMOOTHNESS * TotalVariation(),
        recipe=recipe,
        rule=_common.rule(settings, Last),
        pilot=lambda: _interpolated(y, operator, size),
        refine=None if asked else lambda x: _finished(x, consistent, told),
        outputs=_outputs(consistent, rounding),
        estimates=estimates,
    )


def _finished(x: "Tensor", consistent: "Consistent", settings: Settings) -> "Iterator[Tensor]":
    """What the network drew, made to agree with itself; ``best`` learns what is wrong then, judged by a large y."""
    import torch

    from ipse.pilots import bootstrap
    from ipse.tasks import _common
    from ipse.tasks._repeated import count, refined

    y, operator = consistent.y, consistent.operator
    found = [consistent(x, rounds=ROUNDS)]
    early = EARLY * count(_common.effort(settings))
    for number, better in enumerate(refined(x, consistent, _common.effort(settings))):
        yield x if number < early else better
        found += [better] if settings.preset == "best" else []
    if settings.preset != "best":
        return

    def again(truth: "Tensor", generator: "Draws") -> "Generator[Tensor, None, Tensor]":
        told = Settings(
            seed=int(torch.randint(2**31, (), generator=generator)),
            steps=settings.steps,
            rule=settings.rule,
            device=settings.device,
            precision=settings.precision,
        )
        drawn = yield from _drawn(operator(truth).clamp(0, 1), operator, told)
        return torch.cat(bootstrap.spread(drawn, VIEWS))

    judge = y[..., *(_middle(side, operator.factor) for side in y.shape[-2:])]
    yield from bootstrap.bootstrap(
        torch.cat(bootstrap.spread(found, VIEWS)),
        again=again,
        judge=judge if min(judge.shape[-2:]) >= JUDGE else None,
        grid=operator.factor,
        seed=settings.seed,
    )


def _middle(side: int, factor: int) -> slice:
    """What of a side judges: as much as a replicate has, a multiple of the factor."""
    from ipse.pilots.bootstrap import SIDE as MOST

    most = min(MOST, side) // factor * factor
    start = (side - most) // 2
    return slice(start, start + most)


def _drawn(
    y: "Tensor", operator: "Downsample", settings: Settings
) -> "Generator[Tensor, None, list[Tensor]]":
    """What a network draws of y, and that made to agree with itself, round by round; yields on the way."""
    from ipse.engine.fit import Fit
    from ipse.engine.operators.consistent import Consistent
    from ipse.engine.until import until
    from ipse.tasks._repeated import refined

    problem = _fitted(y, operator, 0.0, settings, {})
    search = until(Fit(problem), problem.rule)
    for state in search:
        if state.step % TOLD == 0:
            yield state.average
    assert search.best is not None  # the rule keeps the last step
    consistent = Consistent(operator, y, _enlarged(y, operator))
    found = [consistent(search.best, rounds=ROUNDS)]
    for better in refined(found[0], consistent, "best"):
        yield better
        found.append(better)
    return found


def _unfitted(
    y: "Tensor", operator: "Downsample", rounding: float, estimates: dict[str, object]
) -> "Problem":
    """What repeats within the picture alone, from its interpolation on."""
    from ipse.engine.objectives import LeastSquares
    from ipse.engine.operators.consistent import Consistent
    from ipse.engine.problem import Problem
    from ipse.tasks import _common
    from ipse.tasks._repeated import refined

    size = _enlarged(y, operator)
    consistent = Consistent(operator, y, size)

    def found(seen: Consistent) -> "Iterator[Tensor]":
        *_, start = _interpolated(seen.y, operator, size)
        yield start
        yield from refined(start, seen, "fast", NEAR * operator.factor)

    return Problem(
        prior=None,
        objective=LeastSquares(y, operator),
        recipe=_common.alone(),
        pilot=lambda: found(consistent),
        perturbed=lambda seed: found(Consistent(operator, _common.noisier(y, NOISE, seed), size)),
        outputs=_outputs(consistent, rounding),
        estimates=estimates,
    )


def _outputs(consistent: "Consistent", rounding: float) -> "Callable[[Tensor], Tensor]":
    """The picture that measures y, to within its rounding; detail is kept where y asks for it."""
    from torch.nn.functional import interpolate

    from ipse.pilots.supported import supported

    y, operator = consistent.y, consistent.operator
    base = interpolate(y, size=_enlarged(y, operator), mode="bicubic")
    rounded = consistent.within(rounding)

    def outputs(x: "Tensor") -> "Tensor":
        return rounded(supported(consistent(x), base, y, operator, rounding=rounding), rounds=ROUNDS)

    return outputs


def _enlarged(y: "Tensor", operator: "Downsample") -> tuple[int, int]:
    """(H, W) of the result."""
    return y.shape[-2] * operator.factor, y.shape[-1] * operator.factor


def _interpolated(y: "Tensor", operator: "Downsample", size: tuple[int, int]) -> "Iterator[Tensor]":
    """Bicubic interpolation, made to measure y step by step."""
    from torch.nn.functional import interpolate

    from ipse.pilots.back_projection import back_projection

    return back_projection(y, operator, lambda r: interpolate(r, size=size, mode="bicubic"))
