"""Scientific data: photon counts too low to be denoised directly, and samples that use a small part of their range."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Nothing, Pilot, Problem
from ipse.noise import WHOLE, Noise, Span, put_back
from ipse.pilots.few_photons import few_photons
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks._self_similarity import MORE, estimates_of
from ipse.tasks._whiten import whiten


def few(y: Tensor, found: Noise, side: int, settings: Settings, estimates: dict[str, object]) -> Problem:
    """The problem for photon counts too low for the Anscombe transform: pixels are binned first."""

    def denoised(sums: Tensor, gain: float) -> Tensor:
        white = whiten(sums, replace(found, gain=gain, sigma=found.sigma / side))
        return white.undo(list(estimates_of(white.y, white, settings))[-1])

    def pilot(y: Tensor, gain: float) -> Iterator[Tensor]:
        return few_photons(y, gain, denoised, side=side, preset=_common.effort(settings))

    return Problem(
        prior=None,
        objective=LeastSquares(y),
        recipe=_common.alone(),
        pilot=Pilot(
            lambda: pilot(y, found.gain),
            perturbed=lambda seed: pilot(more_photons(y, found.gain, seed), found.gain),
        ),
        estimates=estimates,
    )


def more_photons(y: Tensor, gain: float, seed: int) -> Tensor:
    """y + g (p − M² y/g), p ~ Poisson(M² y/g): y with additional photon noise, ``MORE`` = M times its own level."""
    draw = torch.Generator(y.device).manual_seed(seed)
    return y + gain * torch.poisson(MORE**2 * y / gain, generator=draw) - MORE**2 * y


def as_stored(problem: Problem | Nothing, y: Tensor, within: Span) -> Problem | Nothing:
    """The problem for the stored picture, before its range was stretched; samples outside the range are kept."""
    if isinstance(problem, Nothing) or within == WHOLE:
        return problem
    inner, beyond = problem.outputs, (y < within[0]) | (y > within[1])

    def outputs(x: Tensor) -> Tensor:
        return torch.where(beyond, y, put_back(inner(x), within))

    return replace(problem, outputs=outputs)
