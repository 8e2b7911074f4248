"""The last step is the best: for recipes that are run to their end."""

from ipse.engine.stopping.rule import Rule, State, Verdict


class Last(Rule):
    """Every state is better than the one before; stops after ``steps`` (None: never)."""

    def __init__(self, steps: int | None = None) -> None:
        self.steps = steps

    def __call__(self, state: State) -> Verdict:
        """Keep it; stop at the last."""
        done = self.steps is not None and state.step >= self.steps
        return Verdict(best=True, stop=f"all {state.step} steps done" if done else None)
