"""A stopping rule decides for each state of a fit whether it is the best so far and whether to stop.

Rules never see a ground truth. Combine rules with ``|``: the first one decides which state is the best, and each of
them can stop the fit.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class State:
    """One step of a fit, as passed to rules and yielded to the caller.

    The next step overwrites ``raw`` and ``average``: copy them to keep them.
    """

    step: int  #: counted from 1
    loss: float
    raw: Tensor  #: f_θ(z) of this step, (1, C, H, W)
    average: Tensor  #: moving average of ``raw``
    score: float | None  #: held-out score of ``average``; None if nothing is held out
    seconds: float  #: time spent in the fit so far, over all sessions


@dataclass(frozen=True)
class Verdict:
    """A rule's decision about one state."""

    best: bool  #: whether this state is the best so far
    stop: str | None = None  #: the reason to stop now; None to continue


class Rule(ABC):
    """State → Verdict. Rules have state, which ``state_dict`` returns as plain data and tensors."""

    name = ""  #: in ``Settings.rule`` and on the command line; empty if it cannot be chosen there

    @classmethod
    def of(cls, *, sigma: float | None, misfit: Callable[[Tensor], float] | None) -> "Rule":  # noqa: ARG003 - for rules that need them
        """The rule for a fit; see ``stopping.named``."""
        return cls()

    @abstractmethod
    def __call__(self, state: State) -> Verdict:
        """Judge the next state of the stream."""

    def state_dict(self) -> dict[str, Any]:
        """The complete state of the rule."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore ``state_dict()``, which is copied."""
        vars(self).update(deepcopy(state))

    def __or__(self, other: "Rule") -> "Rule":
        """A rule with this rule's best state, which stops as soon as either rule does."""
        return Either(self, other)


class Either(Rule):
    """The best state of the first rule; stops as soon as either rule does."""

    def __init__(self, first: Rule, second: Rule) -> None:
        self.first, self.second = first, second

    def __call__(self, state: State) -> Verdict:
        """Judge the state by both rules."""
        first, second = self.first(state), self.second(state)
        return Verdict(first.best, first.stop or second.stop)

    def state_dict(self) -> dict[str, Any]:
        """The state of both rules."""
        return {"first": self.first.state_dict(), "second": self.second.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of both rules."""
        self.first.load_state_dict(state["first"])
        self.second.load_state_dict(state["second"])
