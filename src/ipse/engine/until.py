"""x* = the picture of the best step of a fit, according to a stopping rule.

search = until(Fit(problem), rule)
for state in search:
    ...                      # watch, save, or leave the loop: the best result so far is kept
search.best, search.step, search.reason
"""

import math
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from ipse.engine.fit import Fit
from ipse.engine.stopping import Rule, State, Verdict

CANCELLED = "cancelled"
DIVERGED = "the fit diverged: its loss is not finite"


class Search:
    """An iterator over the states of a fit, up to the step at which a rule stops it; it keeps the best state."""

    def __init__(self, fit: Fit, rule: Rule) -> None:
        self.fit, self.rule = fit, rule
        self.best: Tensor | None = None  #: average output of the best step, (1, C, H, W)
        self.step = 0  #: the best step; 0 before the first one
        self.score: float | None = None  #: held-out score of the best step
        self.reason = CANCELLED  #: why the fit ended; "cancelled" if the iteration was not finished

    def __iter__(self) -> Iterator[State]:
        """Yield states until the rule or the recipe ends the fit; none if it has ended before."""
        if self.reason != CANCELLED:
            self.fit.leave()
            return
        for state in self.fit:
            verdict = self.rule(state)
            if not math.isfinite(state.loss) and self.fit.recipe.fall_back is None:
                verdict = Verdict(best=False, stop=DIVERGED)
            if verdict.best:
                self.best = state.average.clone() if self.best is None else self.best.copy_(state.average)
                self.step, self.score = state.step, state.score
            if verdict.stop is not None:
                self.reason = verdict.stop
                self.fit.leave()
            yield state
            if verdict.stop is not None:
                return
        self.reason = f"all {self.fit.step} steps done"

    def state_dict(self) -> dict[str, Any]:
        """The state of the fit and of the rule, and the best result so far."""
        return {
            "fit": self.fit.state_dict(),
            "rule": self.rule.state_dict(),
            "best": self.best,
            "step": self.step,
            "score": self.score,
            "reason": self.reason,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore ``state_dict()``, which is copied."""
        self.fit.load_state_dict(state["fit"])
        self.rule.load_state_dict(state["rule"])
        self.best = None if state["best"] is None else state["best"].clone()
        self.step, self.score = state["step"], state["score"]
        self.reason = state.get("reason", CANCELLED)


def until(fit: Fit, rule: Rule | None = None) -> Search:
    """Fit until ``rule`` (by default the problem's own) stops it."""
    return Search(fit, fit.problem.rule if rule is None else rule)
