"""t* = argmin_t score_t: the step whose picture best predicts the held-out measurements."""

import math

from ipse.engine.stopping.rule import Rule, State, Verdict


class HeldOut(Rule):
    """Keeps the state with the smallest held-out score; stops when the score has not fallen for ``patience`` steps.

    If nothing is held out, because the picture is too small, every state is the best, as with ``Last``.

    Args:
        patience: steps without a new best before stopping.
        every: judge only the first step and then every so many steps, since copying the best picture takes time.
        tolerance: relative tolerance of the score. A later step within it is preferred, because a score from few
            held-out pixels is not exact.
    """

    name = "held-out"

    def __init__(self, *, patience: int = 100, every: int = 5, tolerance: float = 0.0) -> None:
        self.patience, self.every, self.tolerance = patience, every, tolerance
        self.best, self.best_step = math.inf, 0

    def __call__(self, state: State) -> Verdict:
        """Compare with the best score so far."""
        if state.score is None:
            return Verdict(best=True)
        if state.step % self.every and state.step > 1:
            return Verdict(best=False)
        if state.score < self.best * (1 + self.tolerance):
            self.best, self.best_step = min(self.best, state.score), state.step
            return Verdict(best=True)
        waited = state.step - self.best_step
        stop = f"held-out score has not fallen for {waited} steps" if waited >= self.patience else None
        return Verdict(best=False, stop=stop)
