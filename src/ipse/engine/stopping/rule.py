"""*: a rule watches the stream of states and says, at each, whether it is the best so far and whether to stop.

No rule sees a clean picture. Rules join with ``|``: the first says what is best, any of them stops.
"""

from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class State:
    """One step of a fit, as seen by rules and by whoever watches.

    ``raw`` and ``average`` are overwritten by the next step: copy what must last.
    """

    step: int  #: counted from 1
    loss: float
    raw: Tensor  #: f_θ(z) of this step, (1, C, H, W)
    average: Tensor  #: moving average of ``raw``
    score: float | None  #: held-out score of ``average``; None where nothing is held out
    seconds: float  #: spent in the fit so far, over all sessions


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one state."""

    best: bool  #: keep this state: it is the best so far
    stop: str | None = None  #: why to stop now; None goes on


class Rule(ABC):
    """State → Verdict. Rules remember; ``state_dict`` holds all of it as plain data and tensors."""

    @abstractmethod
    def __call__(self, state: State) -> Verdict:
        """Judge the next state of the stream."""

    def state_dict(self) -> dict[str, Any]:
        """All that the rule remembers."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()``, which is copied."""
        vars(self).update(deepcopy(state))

    def __or__(self, other: "Rule") -> "Rule":
        """This rule's best; whichever stops first."""
        return Either(self, other)


class Either(Rule):
    """The best of the first rule, until either stops."""

    def __init__(self, first: Rule, second: Rule) -> None:
        self.first, self.second = first, second

    def __call__(self, state: State) -> Verdict:
        """Judge by both; both see every state."""
        first, second = self.first(state), self.second(state)
        return Verdict(first.best, first.stop or second.stop)

    def state_dict(self) -> dict[str, Any]:
        """Both memories."""
        return {"first": self.first.state_dict(), "second": self.second.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Both memories."""
        self.first.load_state_dict(state["first"])
        self.second.load_state_dict(state["second"])
