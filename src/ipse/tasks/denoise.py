"""Denoising: x* = T⁻¹ D(T y), where D denoises by self-similarity; or, if a network is requested,

    argmin_θ ‖T y − A(p + f_θ(p + ε))‖²,  p = D(T y),  ε ~ N(0, jitter²)        --steps, --rule
    argmin_θ ‖T y − A f_θ(z)‖²                                                  --network, --latent

T makes the noise white with one level (the identity, the Anscombe transform, or a logarithm). A models the effect of
clipping on the mean. The jitter keeps the network from learning the noise left in the first estimate p; a few held-out
pixels decide when to stop. Holding them out costs the first estimate more than the network gains (measured:
docs/decisions/denoise.md), so by default no network is fitted. ``best`` also learns to correct D's errors, by applying
D again to its own result with new noise (docs/decisions/best.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from torch import Tensor

from ipse.engine.objectives import HeldOutError, LeastSquares, hold_out
from ipse.engine.operators.clipped import Clipped
from ipse.engine.problem import Nothing, Pilot, Problem, Recipe
from ipse.engine.stopping import HeldOut, Last
from ipse.errors import OptionError
from ipse.noise import Noise, root_mean_square, stretched
from ipse.pictures import Picture
from ipse.pilots.coarse_to_fine import coarse_to_fine
from ipse.pilots.few_photons import binning
from ipse.pilots.non_local_means import non_local_means
from ipse.settings import Settings
from ipse.tasks import _common, _paper
from ipse.tasks._impulses import without_impulses
from ipse.tasks._photons import as_stored, few
from ipse.tasks._self_similarity import MORE, estimates_of, work_of
from ipse.tasks._whiten import Whitened, find, whiten

Kind = Literal["auto", "gaussian", "poisson", "speckle", "salt-and-pepper", "correlated"]


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset, if a network is fitted; chosen in docs/decisions/denoise.md."""

    steps: int  #: number of steps that correct a first estimate
    width: int  #: number of channels of the network
    jitter: float  #: σ of the noise ε on the first estimate
    free: int = 20  #: factor on the number of steps without a first estimate
    held: float = 0.01  #: fraction of the pixels that are held out for the score


NUMBERS: dict[str, Numbers] = {
    "fast": Numbers(12, width=32, jitter=0.1),
    "good": Numbers(50, width=32, jitter=0.15),
    "best": Numbers(120, width=64, jitter=0.2),
}


def denoise(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    sigma: Annotated[float | None, "Noise standard deviation on the scale 0 to 255, if known."] = None,
    noise: Annotated[Kind, "Kind of noise, if known."] = "auto",
) -> Problem | Nothing:
    """Remove noise from a picture. Its level and kind are estimated unless given.

    Raises:
        OptionError: ``sigma`` is out of range.
    """
    return remove(picture, *_found(picture, settings, sigma, noise), settings)


def remove(picture: Picture, y: Tensor, found: Noise, settings: Settings) -> Problem | Nothing:
    """The problem of removing the given noise from a picture, whose pixels are y."""
    estimates: dict[str, object] = {
        "noise": found.said,
        "kind": found.kind,
        "sigma": float(f"{255 * root_mean_square(found.in_picture):.4g}"),
    }
    if found.gain:  # the part that grows with brightness; sigma is the rest
        estimates["gain"] = float(f"{found.gain:.4g}")
    if found.kind == "none":
        return Nothing(f"nothing to restore: {found.said}", estimates)
    problem = _without(picture, stretched(y, found.within), found, settings, estimates)
    return as_stored(problem, y, found.within)


def _without(
    picture: Picture, y: Tensor, found: Noise, settings: Settings, estimates: dict[str, object]
) -> Problem | Nothing:
    """The problem of removing the given noise from y."""
    if settings.preset == "paper":
        return _paper_problem(y, found, settings, estimates)
    if found.kind == "salt-and-pepper":
        return without_impulses(picture, y, found, settings, estimates)
    if found.kind == "correlated":
        return _camera(y, found.sigma, settings, estimates)
    asked = (settings.steps, settings.rule, settings.network, settings.latent) != (None,) * 4
    if found.kind == "poisson" and not asked and (side := binning(y, found.gain)) > 1:
        return few(y, found, side, settings, estimates)
    return (_fitted if asked else _pilot_alone)(whiten(y, found), settings, estimates)


def look(
    picture: Picture, settings: Settings, *, sigma: float | None = None, noise: Kind = "auto"
) -> dict[str, object] | Nothing:
    """Estimate the noise of the whole picture; all tiles use it, so that they agree."""
    _, found = _found(picture, settings, sigma, noise)
    return Nothing(f"nothing to restore: {found.said}") if found.kind == "none" else {"noise": found}


def _found(picture: Picture, settings: Settings, sigma: float | None, noise: Kind) -> tuple[Tensor, Noise]:
    """The picture as a tensor, and its noise, given or estimated. Checks ``sigma``."""
    if sigma is not None and not 0 < sigma <= 255:
        raise OptionError(
            f"sigma {sigma:g} is out of range: give more than 0 and at most 255, the picture's full range"
        )
    y, fine = _common.tensor(picture, settings), picture.dtype.itemsize > 1
    return y, find(y, noise, None if sigma is None else sigma / 255, fine=fine)


def _pilot_alone(white: Whitened, settings: Settings, estimates: dict[str, object]) -> Problem:
    """The problem without a fit: the non-local estimate from all pixels is the result."""
    return Problem(
        prior=None,
        objective=LeastSquares(white.y),
        recipe=_common.alone(),
        pilot=Pilot(
            lambda: estimates_of(white.y, white, settings),
            perturbed=lambda seed: _again(white, settings, seed),
            learns=settings.preset == "best",
            work=work_of(white.y, settings),
        ),
        outputs=white.undo,
        estimates=estimates,
    )


def _again(white: Whitened, settings: Settings, seed: int) -> Iterator[Tensor]:
    """The estimates of the picture with added noise."""
    more = (1 + MORE**2) ** 0.5
    louder = replace(
        white, sigma=white.sigma * more, levels=None if white.levels is None else white.levels * more
    )
    return estimates_of(_common.noisier(white.y, MORE * white.sigma, seed), louder, settings)


def _fitted(white: Whitened, settings: Settings, estimates: dict[str, object]) -> Problem:
    """A fit that corrects the non-local estimate; if the user chose a latent or network, a fit without one."""
    y, sigma, numbers = white.y, white.sigma, NUMBERS[settings.preset]
    everywhere = torch.ones_like(y[:, :1], dtype=torch.bool)
    held = hold_out(everywhere, fraction=numbers.held, generator=_common.generator(y, settings))
    seen = _common.from_neighbours(y, ~held)
    mean = Clipped(sigma) if white.clipped else None
    fidelity = LeastSquares(y, mean, weight=(~held).float())
    free = settings.latent is not None or settings.network not in (None, "fast")
    if free:
        prior = _common.free_prior(seen, settings)
        recipe = _common.recipe(settings, Recipe(steps=numbers.free * numbers.steps, average=0.99))
    else:
        prior = _common.guided_prior(y, settings, jitter=numbers.jitter, width=numbers.width)
        recipe = _common.recipe(settings, Recipe(steps=numbers.steps, learning_rate=0.003, average=0.95))
    return Problem(
        prior=prior,
        objective=fidelity,
        recipe=recipe,
        rule=_common.rule(settings, HeldOut, sigma=sigma, fidelity=fidelity),
        score=HeldOutError(y, held, mean) if held.any() else None,
        pilot=None if free else Pilot(lambda: estimates_of(seen, white, settings)),
        outputs=white.undo,
        estimates=estimates,
    )


def _paper_problem(y: Tensor, found: Noise, settings: Settings, estimates: dict[str, object]) -> Problem:
    """The reference's fit, which treats all noise as Gaussian."""
    paper = _paper.denoise(found.sigma)
    return Problem(
        paper.prior(y, settings),
        LeastSquares(y),
        paper.recipe(settings),
        rule=_common.rule(settings, Last, sigma=found.sigma),
        estimates=estimates,
    )


def _camera(y: Tensor, sigma: float, settings: Settings, estimates: dict[str, object]) -> Problem:
    """Noise that is correlated over several pixels. No fit is possible, since held-out pixels are not independent."""

    def pilot(y: Tensor) -> Iterator[Tensor]:
        yield non_local_means(y, sigma)
        yield coarse_to_fine(y, sigma, preset=_common.effort(settings))

    return Problem(
        prior=None,
        objective=LeastSquares(y),
        recipe=_common.alone(),
        pilot=Pilot(lambda: pilot(y), perturbed=lambda seed: pilot(_common.noisier(y, MORE * sigma, seed))),
        estimates=estimates,
    )
