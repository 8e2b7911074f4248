"""Problem ↦ Problem: adapt a task's problem to one part of a restoration (a seed, a warm start, several planes).

    perturbed    another seed also where nothing in the method is left to chance
    warm         θ₀ = θ*_k: a network that starts from the weights that fitted the plane before
    OverDepth    y the planes of a stack, fitted together

Planes that belong together are the channels of one picture: operators, objectives, rules and pilots, which take
channels one by one or together, know nothing of depth. By default one network draws them all, for next to the cost of
one; with ``deep`` it is a network over depth, with noise of its own for each plane (docs/decisions/stacks.md).

A refinement takes what a picture lacks for noise, and planes that lack different things find it together. Planes that
lack the same share one error, which sharing patches would keep: they are refined one by one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ipse import tasks
from ipse.engine import networks
from ipse.engine.latents import meshgrid, noise
from ipse.engine.prior import GuidedPrior, Prior, seeded, silence
from ipse.engine.problem import Problem
from ipse.engine.until import Search
from ipse.pictures import Picture
from ipse.pictures.stacks.slabs import NETWORK
from ipse.settings import Settings
from ipse.streams.restoration import Restoration

WARM = 0.5  # number of steps of a warm start, relative to a cold one (docs/decisions/warm-starts.md)
Weights = Mapping[str, Tensor]
CHANNELS = 32  # number of noise channels per plane
DIFFER = 0.02  # planes whose mean squared difference is below this fraction of that of neighbouring pixels are equal


def perturbed(problem: Problem, *, seed: int) -> Problem:
    """Perturb the data of the first estimate according to the seed, if the task supports it, so that seeds differ."""
    pilot = problem.pilot
    if pilot is None or pilot.perturbed is None:
        return problem
    return replace(problem, pilot=replace(pilot, estimates=partial(pilot.perturbed, seed)))


def warm(problem: Problem, *, weights: Weights | None) -> Problem:
    """θ₀ = θ*_k: start from the weights fitted to a similar picture, if their shapes match.

    The fit then takes half of a cold start's steps.
    """
    if weights is None or problem.prior is None:
        return problem
    own = problem.prior.network.state_dict()
    if {name: one.shape for name, one in own.items()} != {name: one.shape for name, one in weights.items()}:
        return problem
    problem.prior.network.load_state_dict(dict(weights))
    return replace(problem, recipe=replace(problem.recipe, steps=round(WARM * problem.recipe.steps)))


def weights_of(search: Search | None) -> Weights | None:
    """A network's weights after the last step; None if nothing was fitted."""
    if search is None:
        return None
    return {name: one.detach().clone() for name, one in search.fit.prior.network.state_dict().items()}


class OverDepth:
    """Problem ↦ Problem: the problem of planes that belong together.

    Args:
        picture: the planes' samples as channels; those of a plane are adjacent.
        task: name of the task.
        settings: the settings of the task.
        options: the task's own options.
        planes: number of planes.
        deep: whether to use a network over depth.
    """

    def __init__(
        self,
        picture: Picture,
        task: str,
        settings: Settings,
        options: Mapping[str, Any],
        *,
        planes: int,
        deep: bool = False,
    ) -> None:
        self.picture, self.task, self.settings, self.options = picture, task, settings, options
        self.planes, self.deep = planes, deep

    def __call__(self, problem: Problem) -> Problem:
        """The problem, with a network over depth if requested.

        A task that fits none by itself is asked for one.
        """
        if self.deep and problem.prior is None:
            problem = self.posed(self.picture, "fast")
        if problem.prior is None:
            return problem
        prior = self.deepened(problem.prior) if self.deep else problem.prior
        together = problem.refine is None or self.planes == 1 or self.differ()
        return replace(problem, prior=prior, refine=problem.refine if together else self.apart)

    def posed(self, picture: Picture, network: str | None) -> Problem:
        """The task's problem for planes that need restoring, with one of its own networks."""
        settings = replace(self.settings, network=network)
        problem = tasks.find(self.task)(picture, settings, **self.options)
        assert isinstance(problem, Problem)
        return problem

    def differ(self) -> bool:
        """Whether neighbouring planes differ."""
        y, each = self.picture.pixels, self.picture.channels // self.planes
        beside = sum(float(np.square(np.diff(y, axis=axis)).mean()) for axis in (1, 2) if y.shape[axis] > 1)
        return float(np.square(y[each:] - y[:-each]).mean()) > DIFFER * beside

    def apart(self, x: Tensor) -> Iterator[Tensor]:
        """Refine every plane separately, round by round."""
        each = self.picture.channels // self.planes
        rounds: list[Iterator[Tensor]] = []
        for first in range(0, self.picture.channels, each):
            samples = self.picture.samples[..., first : first + each]
            plane = replace(self.picture, samples=samples, model="channels")
            refine = self.posed(plane, self.settings.network).refine
            assert refine is not None  # the same for all planes
            rounds.append(refine(x[:, first : first + each]))
        for found in zip(*rounds, strict=True):
            yield torch.cat(found, dim=1)

    def deepened(self, prior: Prior) -> Prior:
        """A prior over depth in place of one over channels."""
        channels, settings = self.picture.channels, self.settings
        if isinstance(prior, GuidedPrior):
            network = self.network(channels, fold=True, sigmoid=False).to(prior.z.device)
            silence(network)
            return GuidedPrior(network, prior.pilot, jitter=prior.jitter, seed=settings.seed)
        kind = settings.latent or "noise"
        z = self.latent(prior, kind)
        network = self.network(z.shape[1], fold=kind != "noise", sigmoid=True).to(z.device)
        return Prior(network, z, size=prior.size, seed=settings.seed)

    def network(self, channels: int, *, fold: bool, sigmoid: bool) -> torch.nn.Module:
        """The network, with weights initialised from the seed."""
        with seeded(self.settings.seed):
            return networks.build(
                NETWORK,
                channels,
                self.picture.channels,
                planes=self.planes,
                fold=fold,
                sigmoid=sigmoid,
            )

    def latent(self, prior: Prior, kind: str) -> Tensor:
        """z for all planes: noise at half the size, three-dimensional coordinates, or the given latent."""
        device = prior.z.device
        if kind == "image":
            return prior.z
        if kind == "meshgrid":
            depth = torch.linspace(0, 1, self.planes, device=device)[:, None, None, None]
            flat = meshgrid(prior.size, device=device).expand(self.planes, -1, -1, -1)
            z = torch.cat([flat, depth.expand(-1, 1, *prior.size)], dim=1)
            return z.flatten(0, 1)[None]
        draw = torch.Generator(device).manual_seed(self.settings.seed)
        size = (-(-prior.size[0] // 2), -(-prior.size[1] // 2))
        return noise(CHANNELS * self.planes, size, generator=draw, distribution="normal", scale=1.0)


def volume(
    picture: Picture,
    task: str,
    settings: Settings,
    options: Mapping[str, Any],
    *,
    planes: int,
    deep: bool = False,
) -> Restoration:
    """Open the restoration of planes that belong together; see ``OverDepth``."""
    adapt = OverDepth(picture, task, settings, options, planes=planes, deep=deep)
    return Restoration(picture, task, settings, options, adapt=adapt)
