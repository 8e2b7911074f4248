"""(θ₁, z₁), …, (θ_K, z_K) stacked into tensors, one row per fit; each step evaluates f by ``vmap`` and applies Adam.

Normalisation, jitter, objective and gradient of each row are those of its fit alone.
"""

import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ipse.engine.fit import SAFE_EVERY, Fit, optimiser
from ipse.engine.objectives import Objective
from ipse.engine.prior import GuidedPrior
from ipse.engine.stopping import State
from ipse.engine.together.alike import Tensors, alike, chosen, differing, stacked

MOMENTS = ("exp_avg", "exp_avg_sq")
SLOW = "There is a performance drop"  # start of vmap's warning that it falls back to a loop over the rows
UNFIT = (
    RuntimeError,
    ValueError,
    UserWarning,
)  # of vmap where it cannot do a thing, or only slowly; of a memory that is full


class Fallen(Exception):  # noqa: N818 - a signal, not an error
    """Raised when the loss of some fits has jumped, so that they restore earlier weights and leave the others."""

    def __init__(self, fits: Sequence[Fit]) -> None:
        super().__init__()
        self.fits = fits


class Each:
    """E_1(x_1), …, E_K(x_K): evaluated together if the objectives differ only in their tensors, else one by one."""

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.objectives = list(objectives)
        first, *others = objectives
        self.tensors: Tensors | None = None
        if all(alike(first, other) for other in others):
            self.tensors = stacked(differing(self.objectives))

    def __call__(self, x: Tensor) -> Tensor:
        """The values (K,) for pictures (K, 1, C, H, W)."""
        if self.tensors is not None:
            with suppress(*UNFIT):
                return vmap(self.one)(self.tensors, x) if self.tensors else vmap(self.objectives[0])(x)
            self.tensors = None
        return torch.stack([own(one) for own, one in zip(self.objectives, x, strict=True)])

    def one(self, tensors: Tensors, x: Tensor) -> Tensor:
        """The value for one picture."""
        return functional_call(self.objectives[0], tensors, (x,))

    def keep(self, rows: Sequence[int]) -> None:
        """Keep only the given rows."""
        self.objectives = [self.objectives[row] for row in rows]
        if self.tensors is not None:
            self.tensors = chosen(self.tensors, rows)


class Vectorised:
    """K fits as stacked tensors, one row each, with everything that a common step needs.

    Args:
        fits: fits of the same ``kind`` and at the same step.
    """

    def __init__(self, fits: Sequence[Fit]) -> None:
        self.fits = list(fits)
        first, networks = fits[0], [fit.prior.network for fit in fits]
        self.network, self.recipe, self.prior = networks[0], first.recipe, first.prior
        own = stacked([dict(one.named_parameters()) for one in networks])
        self.weights = {name: nn.Parameter(weight) for name, weight in own.items()}
        self.buffers = stacked([dict(one.named_buffers()) for one in networks])
        self.z = torch.stack([fit.prior.z for fit in fits])
        pilots = [fit.prior.pilot for fit in fits if isinstance(fit.prior, GuidedPrior)]
        self.pilots = torch.stack(pilots) if pilots else None
        averages = [fit.average for fit in fits if fit.average is not None]
        self.averages = torch.stack(averages) if averages else None
        self.objective = Each([fit.problem.objective for fit in fits])
        self.optimiser = optimiser(list(self.weights.values()), self.recipe)
        self.take_moments()

    def take_moments(self) -> None:
        """Start with the fits' own gradient moments, if they have any."""
        for name, weight in self.weights.items():
            states = [fit.optimiser.state[fit.prior.network.get_parameter(name)] for fit in self.fits]
            if states[0]:
                moments = {key: torch.stack([state[key] for state in states]) for key in MOMENTS}
                self.optimiser.state[weight] = {"step": states[0]["step"].clone(), **moments}

    def drawn(self) -> Tensor:
        """f_θk(z_k), (K, 1, C, H, W), computed in the recipe's precision."""
        low, (height, width) = self.recipe.precision == "bfloat16", self.prior.size
        z = self.z
        if self.prior.jitter > 0:
            noise = torch.empty_like(z)
            for fit, own in zip(self.fits, noise, strict=True):
                own.normal_(generator=fit.prior.generator)
            z = torch.add(z, noise, alpha=self.prior.jitter)
        with torch.autocast(z.device.type, torch.bfloat16, enabled=low):
            x = vmap(self.one)(self.weights, self.buffers, z)
        x = x.float() if low else x
        x = x[..., :height, :width]
        return x if self.pilots is None else self.pilots + x

    def one(self, weights: Mapping[str, Tensor], buffers: Tensors, z: Tensor) -> Tensor:
        """f_θ(z)."""
        return functional_call(self.network, (dict(weights), buffers), (z,))

    def computed(self) -> tuple[Tensor, Tensor, list[float], list[float | None]]:
        """Compute outputs, averages, losses, scores and gradients of a step, without updating the weights."""
        self.optimiser.zero_grad(set_to_none=True)
        x = self.drawn()
        losses = self.objective(x)
        losses.sum().backward()
        raw, first = x.detach(), self.fits[0]
        averages = self.averages
        if averages is None:
            averages = raw if self.pilots is None else self.pilots
        averages = torch.lerp(averages, raw, first.share(first.step + 1))
        scored = [fit.problem.score for fit in self.fits]
        scores = [score(own)[None] for score, own in zip(scored, averages, strict=True) if score is not None]
        values = torch.cat([losses.detach(), *scores]).tolist()  # one transfer from the device for all
        own, rest = values[: len(self.fits)], iter(values[len(self.fits) :])
        return raw, averages, own, [None if score is None else next(rest) for score in scored]

    def step(self) -> list[State]:
        """Take a step with all fits. If it fails, the fits are unchanged.

        Raises:
            Fallen: some fits have to restore earlier weights.
            Exception: raised by a network or an objective.
        """
        start = time.perf_counter()
        before = [fit.prior.generator.get_state() for fit in self.fits]
        self.optimiser.param_groups[0]["lr"] = self.fits[0].learning_rate()
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", SLOW)
                raw, averages, losses, scores = self.computed()
            fallen = [fit for fit, loss in zip(self.fits, losses, strict=True) if fit.jumps(loss)]
            if fallen:
                raise Fallen(fallen)
        except (
            Exception
        ):  # reset the generators, so that each fit continues alone with the same noise, and re-raise
            for fit, state in zip(self.fits, before, strict=True):
                fit.prior.generator.set_state(state)
            raise
        self.averages = averages
        self.note(losses)
        self.optimiser.step()
        # Divide the time among the fits, so that their seconds add up to the elapsed time.
        share = (time.perf_counter() - start) / len(self.fits)
        return [
            State(fit.step + 1, losses[row], raw[row], self.averages[row], scores[row], fit.seconds + share)
            for row, fit in enumerate(self.fits)
        ]

    def note(self, losses: Sequence[float]) -> None:
        """Save the weights for a fall-back, as each fit does on its own."""
        if self.recipe.fall_back is not None and self.fits[0].step % SAFE_EVERY == 0:
            for fit, loss in zip(self.fits, losses, strict=True):
                self.give(fit)
                fit.note(loss)

    def give(self, fit: Fit) -> None:
        """Copy a row back to its fit, as if it had been fitted alone."""
        row, network = self.fits.index(fit), fit.prior.network
        with torch.no_grad():
            for name, weight in network.named_parameters():
                stack, state = self.weights[name], self.optimiser.state.get(self.weights[name])
                weight.copy_(stack[row])
                if state:
                    moments = {key: state[key][row].clone() for key in MOMENTS}
                    fit.optimiser.state[weight] = {"step": state["step"].clone(), **moments}
            for name, buffer in network.named_buffers():
                buffer.copy_(self.buffers[name][row])
        fit.average = None if self.averages is None else self.averages[row].clone()

    def keep(self, fits: Sequence[Fit]) -> None:
        """Keep only the rows of the given fits."""
        rows = [self.fits.index(fit) for fit in fits]
        states = {name: self.optimiser.state.get(weight) for name, weight in self.weights.items()}
        own = chosen(self.weights, rows)
        self.weights = {name: nn.Parameter(weight.detach()) for name, weight in own.items()}
        self.optimiser = optimiser(list(self.weights.values()), self.recipe)
        for name, state in states.items():
            if state:
                kept = {key: state[key][rows] for key in MOMENTS}
                self.optimiser.state[self.weights[name]] = {"step": state["step"], **kept}
        self.buffers, self.z = chosen(self.buffers, rows), self.z[rows]
        self.pilots = None if self.pilots is None else self.pilots[rows]
        self.averages = None if self.averages is None else self.averages[rows]
        self.objective.keep(rows)
        self.fits = list(fits)
