"""Damage and lost resolution, y = Q(k ↓ x + n): restored at the size of y, then enlarged.

    x₁ = D(y),    argmin_θ ‖k ↓ f_θ(z) − x₁‖² + λ TV(f_θ(z))

Noise and JPEG damage are told from the picture where they arose, on the grid of y.
"""

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor
from torch.nn.functional import interpolate

from ipse.engine.objectives import LeastSquares
from ipse.engine.operators import Downsample
from ipse.engine.problem import Pilot, Problem
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks.upscale import enlargement, fit

ERROR = (
    0.5 / 255
)  # of x₁, in [0, 1], within which the result need not agree with it: 2 to 8 levels were worse


def enlarged(found: Problem, y: Tensor, factor: int, settings: Settings) -> Problem:
    """The problem of a damaged picture y (1, C, h, w) that is enlarged as well; ``found`` is that of its damage."""
    operator = Downsample(factor).to(y.device)
    fits = found.prior is not None or enlargement(y, operator, ERROR, settings, {}).prior is not None

    def estimates(damage: Problem, told: Settings) -> Iterator[Tensor]:
        x = y
        for x in _solved(damage):
            yield interpolate(x, scale_factor=factor, mode="bicubic").clamp(0, 1)
        yield from _solved(enlargement(x, operator, ERROR, told, {}))

    def perturbed(seed: int) -> Iterator[Tensor]:
        pilot = found.pilot
        again = pilot.perturbed if pilot is not None else None
        drawn = found if again is None else replace(found, pilot=Pilot(lambda: again(seed)))
        return estimates(drawn, replace(settings, seed=seed))

    return Problem(
        prior=None,
        objective=LeastSquares(y, operator),
        recipe=_common.alone(),
        pilot=Pilot(lambda: estimates(found, settings), perturbed, fits=fits),
        estimates=found.estimates | {"factor": factor, "kernel": operator.kernel},
        beside=found.beside,
    )


def _solved(problem: Problem) -> Iterator[Tensor]:
    """Yield what is known of the solution, and the solution last."""
    x: Tensor | None = None
    for x in problem.pilot() if problem.pilot is not None else ():
        yield x.clamp(0, 1)
    if problem.prior is not None:
        fitted = x = yield from fit(problem)
        for x in problem.refine(fitted) if problem.refine is not None else ():
            yield x.clamp(0, 1)
    if x is not None:
        yield problem.outputs(x)
