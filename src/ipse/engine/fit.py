"""θ ← θ − η · Adam(∇_θ [E(A f_θ(z); y) + R(f_θ(z))]): the optimisation loop, as an iterable of states.

    for state in Fit(problem):
        ...

Leave the loop to stop. ``state_dict`` contains the complete state, so that a resumed fit is bit-exact. If the problem
has parameters to learn besides θ, such as those of an operator A_φ, they are optimised together with θ.
"""

import math
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ipse.engine.adam import Adam
from ipse.engine.prior import GuidedPrior, Prior
from ipse.engine.problem import Problem, Recipe
from ipse.engine.stopping import State

SAFE_EVERY = 100  # steps between saved copies of the weights for a fall-back; the reference's interval
LINE = 25  # maximum number of evaluations per line search
FALL = 20.0  # a cosine schedule ends at the initial learning rate divided by this


class Team(Protocol):
    """Several fits that take their steps together; implemented in ``ipse.engine.together.team``."""

    def advance(self, fit: "Fit") -> State:
        """Return the fit's next state."""
        ...

    def give(self, fit: "Fit") -> None:
        """Copy the fit's state from the team back into the fit."""
        ...

    def leave(self, fit: "Fit") -> None:
        """Copy the fit's state back and remove the fit from the team."""
        ...


class Fit:
    """An iterator that optimises a problem, one step for each state.

    Args:
        problem: the problem to fit.
        pilot: the first estimate, which a guided prior corrects; None uses the last one of ``problem.pilot``.

    Raises:
        ValueError: the problem has no prior, so its first estimate is the result.
    """

    def __init__(self, problem: Problem, *, pilot: Tensor | None = None) -> None:
        if problem.prior is None:
            raise ValueError(
                "the problem has no prior to fit: iterate over problem.pilot(), or give it a Prior"
            )
        self.problem, self.prior, self.recipe = problem, problem.prior, problem.recipe
        if isinstance(self.prior, GuidedPrior):
            if pilot is None and problem.pilot is not None:
                *_, pilot = problem.pilot()
            if pilot is not None:
                self.prior.guide(pilot)
        self.weights = weights(self.prior, problem.learnt)
        self.optimiser = optimiser(self.parameters(), self.recipe)
        self.step, self.seconds = 0, 0.0
        self.average: Tensor | None = None
        self.safe: dict[str, Tensor] | None = None
        self.safe_psnr = -math.inf
        self.team: Team | None = None

    def __iter__(self) -> Iterator[State]:
        """Yield one state per step, up to the recipe's number of steps."""
        try:
            while self.step < self.recipe.steps:
                yield self.advance()
        finally:
            self.leave()

    def leave(self) -> None:
        """Leave the team, if the fit is in one."""
        if self.team is not None:
            self.team.leave(self)

    def advance(self) -> State:
        """Take one step; in a team, take it together with the others."""
        if self.team is not None:
            return self.team.advance(self)
        start = time.perf_counter()
        self.optimiser.param_groups[0]["lr"] = self.learning_rate()
        self.optimiser.zero_grad(set_to_none=True)
        x = self.drawn()
        loss = self.problem.objective(x)
        if self.fell(loss):
            x = x.nan_to_num() if self.average is None else torch.where(x.isfinite(), x, self.average)
        else:
            loss.backward()
            self.optimiser.step(self.again if self.recipe.optimiser == "lbfgs" else None)
        self.step += 1
        raw = x.detach()
        average = self.averaged(raw)
        score = None if self.problem.score is None else float(self.problem.score(average))
        self.seconds += time.perf_counter() - start
        return State(self.step, float(loss.detach()), raw, average, score, self.seconds)

    def drawn(self) -> Tensor:
        """f_θ(z), computed in the recipe's precision."""
        low = self.recipe.precision == "bfloat16"
        with torch.autocast(self.prior.z.device.type, torch.bfloat16, enabled=low):
            x = self.prior()
        return x.float() if low else x

    def again(self) -> float:
        """The loss and its gradient at the current weights, for the line search."""
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.problem.objective(self.drawn())
        loss.backward()
        return float(loss.detach())

    def learning_rate(self) -> float:
        """The learning rate η of this step."""
        if self.recipe.schedule == "constant":
            return self.recipe.learning_rate
        turn = (1 + math.cos(math.pi * self.step / max(1, self.recipe.steps))) / 2
        return self.recipe.learning_rate * (turn + (1 - turn) / FALL)

    def parameters(self) -> list[nn.Parameter]:
        """All parameters to fit: θ, z if it is learnt, and the problem's other learnt parameters."""
        own = list(self.prior.parameters())
        return own if self.problem.learnt is None else [*own, *self.problem.learnt.parameters()]

    def averaged(self, raw: Tensor) -> Tensor:
        """Update the moving average with this output, in place.

        For a guided prior the average starts at the first estimate. Any other prior starts far from the picture, so
        its average begins as a plain mean of the outputs so far, which forgets the first ones sooner.
        """
        if self.average is None:
            start = self.prior.pilot if isinstance(self.prior, GuidedPrior) else raw
            self.average = start.clone()
        return self.average.lerp_(raw, self.share(self.step))

    def share(self, step: int) -> float:
        """The weight of the step's output in the average."""
        keep = self.recipe.average
        return 1 - (keep if isinstance(self.prior, GuidedPrior) else min(keep, 1 - 1 / step))

    def fell(self, loss: Tensor) -> bool:
        """Whether the loss jumped in this step; if so, restore the last good weights and reset the optimiser."""
        if self.recipe.fall_back is None:
            return False
        misfit = float(loss.detach())
        if self.jumps(misfit):
            if self.safe is not None:
                self.weights.load_state_dict(self.safe)
            self.optimiser.state.clear()
            return True
        if self.step % SAFE_EVERY == 0:
            self.note(misfit)
        return False

    def jumps(self, misfit: float) -> bool:
        """Whether the loss is NaN, or worse than at the last saved weights by more than the recipe allows."""
        if self.recipe.fall_back is None:
            return False
        return not psnr(misfit) >= self.safe_psnr - self.recipe.fall_back  # any comparison with NaN is false

    def note(self, misfit: float) -> None:
        """Save the weights as good, if the loss is finite."""
        if not math.isfinite(misfit):
            return
        self.safe = {name: tensor.clone() for name, tensor in self.weights.state_dict().items()}
        self.safe_psnr = psnr(misfit)

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on, except the problem itself."""
        if self.team is not None:
            self.team.give(self)
        return {
            "step": self.step,
            "seconds": self.seconds,
            "average": self.average,
            "safe": self.safe,
            "safe_psnr": self.safe_psnr,
            "prior": self.prior.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "learnt": None if self.problem.learnt is None else self.problem.learnt.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore ``state_dict()`` of a fit of the same problem. It is copied, so several fits can load it."""
        self.leave()
        state = deepcopy(state)  # an optimiser would keep the given tensors
        self.step, self.seconds = state["step"], state["seconds"]
        self.average, self.safe, self.safe_psnr = state["average"], state["safe"], state["safe_psnr"]
        self.prior.load_state_dict(state["prior"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.problem.learnt is not None:
            self.problem.learnt.load_state_dict(state["learnt"])


def weights(prior: Prior, learnt: nn.Module | None) -> nn.Module:
    """All parameters and buffers that a fall-back restores, as one module."""
    parts: list[nn.Module] = [prior.network, *([] if learnt is None else [learnt])]
    if isinstance(prior.z, nn.Parameter):
        parts.append(nn.ParameterList([prior.z]))
    return parts[0] if len(parts) == 1 else nn.ModuleList(parts)


def psnr(misfit: float) -> float:
    """The PSNR in dB of a mean squared error, for a peak of 1."""
    return -10 * math.log10(max(misfit, 1e-12))


def optimiser(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of the recipe: Adam, or L-BFGS with one iteration and its line search per step."""
    if recipe.optimiser == "lbfgs":
        return torch.optim.LBFGS(
            parameters,
            recipe.learning_rate,
            max_iter=1,
            max_eval=1 + LINE,  # the default would leave no evaluations for a line search
            tolerance_grad=0,
            tolerance_change=0,  # the recipe sets the number of steps, and the losses are always small
            line_search_fn="strong_wolfe",
        )
    return Adam(parameters, lr=recipe.learning_rate, fused=True)
