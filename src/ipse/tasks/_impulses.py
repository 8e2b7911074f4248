"""Salt-and-pepper noise: x* = F(y, m), or D(F(y, m)).

F is inpainting: pixels m that were not hit are kept, the others are filled. D is the estimate of ``denoise``, applied
if the pixels that were not hit are noisy as well.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Nothing, Pilot, Problem
from ipse.noise import NOTHING, Noise, impulses
from ipse.pictures import Picture
from ipse.pilots.non_local_fill import fill_cost, non_local_fill
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks._self_similarity import MORE, estimates_of, work_of
from ipse.tasks._whiten import whiten
from ipse.tasks.inpaint import inpaint

MOST = 0.85  # largest fraction of pixels that may be impulses; more would leave no picture


def without_impulses(
    picture: Picture, y: Tensor, found: Noise, settings: Settings, estimates: dict[str, object]
) -> Problem | Nothing:
    """Fill the pixels that were hit; if the others are noisy, then denoise the result."""
    hit = impulses(y, told=True)
    share = float(hit.float().mean())
    if not 0 < share <= MOST:
        return Nothing(f"nothing to restore: {_refusal(share)}", estimates)
    if found.sigma >= NOTHING:
        return _both(y, ~hit, found, settings, estimates)
    problem = inpaint(picture, settings, mask=~hit[0, 0].cpu().numpy(), polarity="white-is-known")
    return replace(problem, estimates=estimates | problem.estimates)


def _refusal(share: float) -> str:
    """The reason why no pixels were treated as salt and pepper."""
    if share == 0:
        return "no salt-and-pepper noise was found (isolated black or white pixels all over the picture)"
    return f"{100 * share:.0f} % of the pixels are black or white, too many to be salt-and-pepper noise on a picture"


def _both(
    y: Tensor, known: Tensor, found: Noise, settings: Settings, estimates: dict[str, object]
) -> Problem:
    """The non-local fill, followed by non-local denoising."""

    def pilot(y: Tensor, sigma: float, seed: int) -> Iterator[Tensor]:
        filled = y
        for x in non_local_fill(y, known, preset=_common.effort(settings), seed=seed):
            filled = torch.where(known, y, x)
            yield filled
        white = whiten(filled, replace(found, kind="gaussian", sigma=sigma))
        for x in estimates_of(filled, white, settings):
            yield white.undo(x)

    def again(seed: int) -> Iterator[Tensor]:
        louder = found.sigma * (1 + MORE**2) ** 0.5
        return pilot(_common.noisier(y, MORE * found.sigma, seed), louder, seed)

    return Problem(
        prior=None,
        objective=LeastSquares(y, weight=known.float()),
        recipe=_common.alone(),
        pilot=Pilot(
            lambda: pilot(y, found.sigma, settings.seed),
            perturbed=again,
            learns=settings.preset == "best",
            work=fill_cost(y, _common.effort(settings)) + work_of(y, settings),
        ),
        estimates=estimates,
    )
