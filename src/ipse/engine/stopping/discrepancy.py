"""‖m ⊙ (A x − y)‖² / Σ m ≈ σ²: Morozov's discrepancy principle, for a known noise level.

m is 1 at measured samples. Missing samples and regularisers do not count as misfit.

Morozov, "On the solution of functional equations by the method of regularization", 1966.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ipse.engine.stopping.rule import Rule, State, Verdict
from ipse.errors import OptionError


class Discrepancy(Rule):
    """Stops at the first step whose mean squared error is at most ``tau`` · sigma².

    Args:
        sigma: standard deviation of the measurement's noise, in units of y.
        tau: safety factor; use less than 1 if the noise was clipped.
        misfit: maps an output (1, C, H, W) to its mean squared error at measured samples (``LeastSquares.error``).
            None uses the loss, which is correct if the loss is the mean squared error over all of y.
    """

    name = "discrepancy"

    def __init__(
        self, sigma: float, *, tau: float = 1.0, misfit: Callable[[Tensor], float] | None = None
    ) -> None:
        self.threshold = tau * sigma**2
        self.misfit = misfit

    @classmethod
    def of(cls, *, sigma: float | None, misfit: Callable[[Tensor], float] | None) -> "Discrepancy":
        """The rule for a fit.

        Raises:
            OptionError: the noise level is neither given nor estimated.
        """
        if not sigma:
            raise OptionError("rule 'discrepancy' needs a noise level: give --sigma, or choose held-out")
        return cls(sigma, misfit=misfit)

    def __call__(self, state: State) -> Verdict:
        """Compare the misfit with the noise level."""
        misfit = state.loss if self.misfit is None else self.misfit(state.raw)
        reached = misfit <= self.threshold
        return Verdict(best=True, stop="the misfit has reached the noise level" if reached else None)

    def state_dict(self) -> dict[str, Any]:
        """The threshold; ``misfit`` belongs to the problem."""
        return {"threshold": self.threshold}
