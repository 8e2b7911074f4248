"""‖A x − y‖² ≈ σ²: Morozov's discrepancy principle, for a known noise level."""

from ipse.stopping.rule import Rule, State, Verdict


class Discrepancy(Rule):
    """Stops at the first step whose loss (a mean squared error) is at most ``tau`` · sigma².

    Args:
        sigma: standard deviation of the measurement's noise, in units of y.
        tau: safety factor; below 1 where the noise was clipped.
    """

    def __init__(self, sigma: float, *, tau: float = 1.0) -> None:
        self.threshold = tau * sigma**2

    def __call__(self, state: State) -> Verdict:
        """Compare the loss with the noise."""
        reached = state.loss <= self.threshold
        return Verdict(best=True, stop="the misfit is down to the noise" if reached else None)
