"""θ ← θ − η · Adam(∇_θ [E(A f_θ(z); y) + R(f_θ(z))]): the loop, as an iterable of states.

Where a problem has something else that is ``learnt``, the parameters of an operator A_φ, φ takes the same steps as θ.

    for state in Fit(problem):
        ...

Stop by no longer pulling. ``state_dict`` holds all of it: a fit that is put back continues to the bit.
"""

import math
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ipse.engine.prior import GuidedPrior, Prior
from ipse.engine.problem import Problem, Recipe
from ipse.engine.stopping import State

SAFE_EVERY = 100  # steps between the copies that a fall-back returns to; the reference's interval
LINE = 25  # evaluations of a line search at most
FALL = 20.0  # a cosine schedule ends at this fraction of its start


class Team(Protocol):
    """Fits that take their steps at once; ``ipse.engine.together.team`` has one."""

    def advance(self, fit: "Fit") -> State:
        """The next state of one of them."""
        ...

    def give(self, fit: "Fit") -> None:
        """Put into a fit all that the team holds of it."""
        ...

    def leave(self, fit: "Fit") -> None:
        """Give, and go on without it."""
        ...


class Fit:
    """Fits a problem, a step each time the next state is asked for.

    Args:
        problem: what to fit.
        pilot: the estimate that a guided prior corrects; None asks ``problem.pilot`` for its last one.

    Raises:
        ValueError: the problem has no prior: its pilot is its result.
    """

    def __init__(self, problem: Problem, *, pilot: Tensor | None = None) -> None:
        if problem.prior is None:
            raise ValueError("the problem has no prior to fit: pull problem.pilot(), or give it a Prior")
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
        """One state a step, to the recipe's last."""
        try:
            while self.step < self.recipe.steps:
                yield self.advance()
        finally:
            self.leave()

    def leave(self) -> None:
        """Take no more steps with others, where that was so."""
        if self.team is not None:
            self.team.leave(self)

    def advance(self) -> State:
        """Take one step, or take what came of it where others took theirs at once."""
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
        """f_θ(z), the network in the recipe's precision."""
        low = self.recipe.precision == "bfloat16"
        with torch.autocast(self.prior.z.device.type, torch.bfloat16, enabled=low):
            x = self.prior()
        return x.float() if low else x

    def again(self) -> float:
        """The loss at the weights that a line search tries, with its gradient."""
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.problem.objective(self.drawn())
        loss.backward()
        return float(loss.detach())

    def learning_rate(self) -> float:
        """η of this step."""
        if self.recipe.schedule == "constant":
            return self.recipe.learning_rate
        turn = (1 + math.cos(math.pi * self.step / max(1, self.recipe.steps))) / 2
        return self.recipe.learning_rate * (turn + (1 - turn) / FALL)

    def parameters(self) -> list[nn.Parameter]:
        """θ, z where it is learnt, and what else is learnt."""
        own = list(self.prior.parameters())
        return own if self.problem.learnt is None else [*own, *self.problem.learnt.parameters()]

    def averaged(self, raw: Tensor) -> Tensor:
        """Move the average towards this output, in place.

        A guided prior starts at its pilot; any other starts far from the picture, and its average weighs the first
        outputs as if there had been no others, so that it forgets them.
        """
        if self.average is None:
            start = self.prior.pilot if isinstance(self.prior, GuidedPrior) else raw
            self.average = start.clone()
        return self.average.lerp_(raw, self.share(self.step))

    def share(self, step: int) -> float:
        """How much of the average is that step's output."""
        keep = self.recipe.average
        return 1 - (keep if isinstance(self.prior, GuidedPrior) else min(keep, 1 - 1 / step))

    def fell(self, loss: Tensor) -> bool:
        """Whether this step's misfit jumped; if so, the last good weights are put back and Adam starts anew."""
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
        """Whether a misfit is that much worse than the one that was noted last, or no number."""
        if self.recipe.fall_back is None:
            return False
        return not psnr(misfit) >= self.safe_psnr - self.recipe.fall_back  # of NaN neither is true

    def note(self, misfit: float) -> None:
        """Note the weights as good, unless they led to no number."""
        if not math.isfinite(misfit):
            return
        self.safe = {name: tensor.clone() for name, tensor in self.weights.state_dict().items()}
        self.safe_psnr = psnr(misfit)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on; the problem itself is not in it."""
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
        """Go on from ``state_dict()`` of a fit of the same problem; it is copied, and may be put into several fits."""
        self.leave()
        state = deepcopy(state)  # an optimiser would take the tensors themselves
        self.step, self.seconds = state["step"], state["seconds"]
        self.average, self.safe, self.safe_psnr = state["average"], state["safe"], state["safe_psnr"]
        self.prior.load_state_dict(state["prior"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.problem.learnt is not None:
            self.problem.learnt.load_state_dict(state["learnt"])


def weights(prior: Prior, learnt: nn.Module | None) -> nn.Module:
    """All that is fitted and what runs along with it, as one module: what a fall-back puts back."""
    parts: list[nn.Module] = [prior.network, *([] if learnt is None else [learnt])]
    if isinstance(prior.z, nn.Parameter):
        parts.append(nn.ParameterList([prior.z]))
    return parts[0] if len(parts) == 1 else nn.ModuleList(parts)


def psnr(misfit: float) -> float:
    """A mean squared error in dB below 1."""
    return -10 * math.log10(max(misfit, 1e-12))


def optimiser(parameters: Sequence[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """What takes the steps: Adam, or L-BFGS, an iteration with its line search each, and no Adam before it."""
    if recipe.optimiser == "lbfgs":
        return torch.optim.LBFGS(
            parameters,
            recipe.learning_rate,
            max_iter=1,
            max_eval=1 + LINE,  # told nothing, it would leave the line search of a single iteration none
            tolerance_grad=0,
            tolerance_change=0,  # the recipe says how many steps; losses of pictures are small from the start
            line_search_fn="strong_wolfe",
        )
    return torch.optim.Adam(parameters, lr=recipe.learning_rate, fused=True)
