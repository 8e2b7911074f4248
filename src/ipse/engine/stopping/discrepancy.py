"""‖m ⊙ (A x − y)‖² / Σ m ≈ σ²: Morozov's discrepancy principle, for a known noise level.

m is 1 where something was measured; what is missing has no noise, and a regulariser is no misfit.

Morozov, "On the solution of functional equations by the method of regularization", 1966.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ipse.engine.stopping.rule import Rule, State, Verdict


class Discrepancy(Rule):
    """Stops at the first step whose mean squared error is at most ``tau`` · sigma².

    Args:
        sigma: standard deviation of the measurement's noise, in units of y.
        tau: safety factor; below 1 where the noise was clipped.
        misfit: of an output (1, C, H, W) its mean squared error on what was measured (``LeastSquares.error``); None
            takes the fit's whole loss for it, which is right where that is a mean of squares over all of y.
    """

    def __init__(
        self, sigma: float, *, tau: float = 1.0, misfit: Callable[[Tensor], float] | None = None
    ) -> None:
        self.threshold = tau * sigma**2
        self.misfit = misfit

    def __call__(self, state: State) -> Verdict:
        """Compare the misfit with the noise."""
        misfit = state.loss if self.misfit is None else self.misfit(state.raw)
        reached = misfit <= self.threshold
        return Verdict(best=True, stop="the misfit is down to the noise" if reached else None)

    def state_dict(self) -> dict[str, Any]:
        """The threshold; what measures the misfit is the problem's."""
        return {"threshold": self.threshold}
