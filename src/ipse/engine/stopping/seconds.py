"""A time budget."""

from ipse.engine.stopping.rule import Rule, State, Verdict


def used(budget: float) -> str:
    """The reason given when the time is used up."""
    return f"time budget of {budget:g} s used"


class Seconds(Rule):
    """Stops when the fit has taken ``budget`` seconds. Every state is the best so far; combine it with another rule.

    Args:
        budget: the time of this fit, in seconds.
        whole: the total budget to name in the reason, if this one is a part of it.
    """

    def __init__(self, budget: float, *, whole: float | None = None) -> None:
        self.budget, self.whole = budget, whole

    def __call__(self, state: State) -> Verdict:
        """Compare the elapsed time with the budget."""
        over = state.seconds >= self.budget
        return Verdict(best=True, stop=used(self.whole or self.budget) if over else None)
