"""VAR_t, the moving variance of the raw outputs, which has a minimum when the picture is fitted but the noise is not.

Wang, Li, Zhuang, Chen, Liang, Sun, "Early stopping for Deep Image Prior", 2023, https://arxiv.org/abs/2112.06074.
ES-WMV takes the variance over a window of W outputs, ES-EMV an exponential one:

    m ← (1−α) m + α x_t,     v ← (1−α) (v + α ‖x_t − m‖²)

Both need raw outputs, because averaging would hide the minimum. The variance is taken over at most ``SAMPLES`` values
spread over the picture, so that a window of 100 pictures stays small.
"""

import math
from abc import abstractmethod

import torch
from torch import Tensor

from ipse.engine.stopping.rule import Rule, State, Verdict

SAMPLES = 1 << 16


class _MovingVariance(Rule):
    """Keeps the state with the smallest variance; stops after ``patience`` steps without a smaller one."""

    def __init__(self, *, patience: int) -> None:
        self.patience = patience
        self.least, self.least_step = math.inf, 0

    @abstractmethod
    def variance(self, x: Tensor) -> float | None:
        """The moving variance after this output; None while there are too few outputs."""

    def __call__(self, state: State) -> Verdict:
        """Compare with the smallest variance so far."""
        x = state.raw.detach().flatten()
        variance = self.variance(x[:: math.ceil(x.numel() / SAMPLES)].clone())
        if variance is None:
            return Verdict(best=True)
        if variance < self.least:
            self.least, self.least_step = variance, state.step
            return Verdict(best=True)
        waited = state.step - self.least_step
        stop = f"moving variance has not fallen for {waited} steps" if waited >= self.patience else None
        return Verdict(best=False, stop=stop)


class WindowedVariance(_MovingVariance):
    """ES-WMV: the variance over the last ``window`` outputs.

    A ring buffer with running sums makes a step cost two additions instead of ``window``.
    """

    name = "wmv"

    def __init__(self, *, window: int = 100, patience: int = 1000) -> None:
        super().__init__(patience=patience)
        self.window = window
        self.ring: list[Tensor] = []
        self.place = 0
        self.total: Tensor | None = None
        self.squares: Tensor | None = None

    def variance(self, x: Tensor) -> float | None:
        """(1/W) Σ‖x_t − mean‖², per value; in double precision, since it is a small difference of large sums.

        It is computed on the CPU, because Apple's GPUs do not support double precision; the samples are few.
        """
        x = x.cpu().double()
        if self.total is None or self.squares is None:
            self.total, self.squares = torch.zeros_like(x), torch.zeros_like(x)
        self.total += x
        self.squares += x.square()
        if len(self.ring) < self.window:
            self.ring.append(x)
            if len(self.ring) < self.window:
                return None
        else:
            old, self.ring[self.place] = self.ring[self.place], x
            self.total -= old
            self.squares -= old.square()
            self.place = (self.place + 1) % self.window
        mean = self.total / self.window
        return float((self.squares / self.window - mean.square()).mean())


class ExponentialVariance(_MovingVariance):
    """ES-EMV: the exponential moving variance with forgetting factor ``alpha``."""

    name = "emv"

    def __init__(self, *, alpha: float = 0.1, patience: int = 1000) -> None:
        super().__init__(patience=patience)
        self.alpha = alpha
        self.mean: Tensor | None = None
        self.value = 0.0
        self.seen = 0

    def variance(self, x: Tensor) -> float | None:
        """The recursion above; None for the first 1/α outputs, which still depend on the initial value."""
        self.seen += 1
        if self.mean is None:
            self.mean = x
            return None
        step = x - self.mean
        self.value = (1 - self.alpha) * (self.value + self.alpha * float(step.square().mean()))
        self.mean += self.alpha * step
        return self.value if self.seen > 1 / self.alpha else None
