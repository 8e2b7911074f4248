"""t* = argmin_t score_t: the step whose picture predicts best what the fit has not seen."""

import math

from ipse.engine.stopping.rule import Rule, State, Verdict


class HeldOut(Rule):
    """Keeps the smallest held-out score; stops when it has not fallen for ``patience`` steps.

    Where nothing is held out (a picture too small for it) every state is the best, as with ``Last``.

    Args:
        patience: steps without a new best before stopping.
        every: judge the first step and then each so many only; copying a best picture costs time.
        tolerance: a score so much above the smallest, relative to it, is as good, and the later step is kept:
            of few held-out pixels a score is no more exact than that.
    """

    def __init__(self, *, patience: int = 100, every: int = 5, tolerance: float = 0.0) -> None:
        self.patience, self.every, self.tolerance = patience, every, tolerance
        self.best, self.best_step = math.inf, 0

    def __call__(self, state: State) -> Verdict:
        """Compare with the best so far."""
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
