"""Salt and pepper: x* = F(y, m), the pixels m that were not hit as they are, the others filled in; or D(F(y, m)).

F is inpainting; D is the estimate of ``denoise``, where the pixels that were not hit are noisy.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ipse.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.engine.problem import Nothing, Problem
    from ipse.noise import Noise
    from ipse.pictures import Picture

MOST = 0.85  # of the pixels: more leave no picture
MORE = 0.4  # of the noise's level is added in each of several runs


def without_impulses(
    picture: "Picture", y: "Tensor", found: "Noise", settings: Settings, estimates: dict[str, object]
) -> "Problem | Nothing":
    """Fill in what was hit; then, if the others are noisy, take that noise out as well."""
    from ipse.engine.problem import Nothing
    from ipse.noise import NOTHING, impulses
    from ipse.tasks.inpaint import inpaint

    hit = impulses(y, told=True)
    share = float(hit.float().mean())
    if not 0 < share <= MOST:
        return Nothing(f"nothing to restore: {_refusal(share)}", estimates)
    if found.sigma >= NOTHING:
        return _both(y, ~hit, found, settings, estimates)
    problem = inpaint(picture, settings, mask=~hit[0, 0].cpu().numpy(), polarity="white-is-known")
    return replace(problem, estimates=estimates | problem.estimates)


def _refusal(share: float) -> str:
    """Why no pixel is taken for salt or pepper."""
    if share == 0:
        return "no salt and pepper was found, single black or white pixels all over the picture"
    return f"{100 * share:.0f} % of the pixels are black or white, which leaves no picture between salt and pepper"


def _both(
    y: "Tensor", known: "Tensor", found: "Noise", settings: Settings, estimates: dict[str, object]
) -> "Problem":
    """The non-local fill, and the non-local estimate of what it gives."""
    import torch

    from ipse.engine.objectives import LeastSquares
    from ipse.engine.problem import Problem
    from ipse.pilots.non_local_fill import non_local_fill
    from ipse.tasks import _common
    from ipse.tasks._whiten import whiten
    from ipse.tasks.denoise import estimates_of

    def pilot(y: "Tensor", sigma: float, seed: int) -> Iterator["Tensor"]:
        filled = y
        for x in non_local_fill(y, known, preset=_common.effort(settings), seed=seed):
            filled = torch.where(known, y, x)
            yield filled
        white = whiten(filled, replace(found, kind="gaussian", sigma=sigma))
        for x in estimates_of(filled, white, settings):
            yield white.undo(x)

    def again(seed: int) -> Iterator["Tensor"]:
        louder = found.sigma * (1 + MORE**2) ** 0.5
        return pilot(_common.noisier(y, MORE * found.sigma, seed), louder, seed)

    return Problem(
        prior=None,
        objective=LeastSquares(y, weight=known.float()),
        recipe=_common.alone(),
        pilot=lambda: pilot(y, found.sigma, settings.seed),
        learns=settings.preset == "best",
        perturbed=again,
        estimates=estimates,
    )
