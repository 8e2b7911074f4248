"""A time budget."""

from ipse.engine.stopping.rule import Rule, State, Verdict


def used(budget: float) -> str:
    """What is said where time is up."""
    return f"time budget of {budget:g} s used"


class Seconds(Rule):
    """Stops when the fit has taken ``budget`` seconds; every state is the best so far (join it to another rule).

    Args:
        budget: the fit's.
        whole: what it is a part of, for the reason; None where it is all there is.
    """

    def __init__(self, budget: float, *, whole: float | None = None) -> None:
        self.budget, self.whole = budget, whole

    def __call__(self, state: State) -> Verdict:
        """Look at the clock."""
        over = state.seconds >= self.budget
        return Verdict(best=True, stop=used(self.whole or self.budget) if over else None)
