"""Keep the last step, for recipes that are run to their end."""

from ipse.engine.stopping.rule import Rule, State, Verdict


class Last(Rule):
    """Treats every state as the best so far; stops after ``steps`` steps (None: never)."""

    name = "last"

    def __init__(self, steps: int | None = None) -> None:
        self.steps = steps

    def __call__(self, state: State) -> Verdict:
        """Keep the state; stop at the last step."""
        done = self.steps is not None and state.step >= self.steps
        return Verdict(best=True, stop=f"all {state.step} steps done" if done else None)
