"""A time budget."""

from ipse.stopping.rule import Rule, State, Verdict


class Seconds(Rule):
    """Stops when the fit has taken ``budget`` seconds; every state is the best so far (join it to another rule)."""

    def __init__(self, budget: float) -> None:
        self.budget = budget

    def __call__(self, state: State) -> Verdict:
        """Look at the clock."""
        over = state.seconds >= self.budget
        return Verdict(best=True, stop=f"time budget of {self.budget:g} s used" if over else None)
