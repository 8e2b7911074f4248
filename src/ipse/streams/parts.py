"""x*_1, x*_2, …: a restoration made of others, part by part, each pulled to its end before the next begins.

What tiles of a picture and planes of a stack have in common: how many are done, and what time each may take.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ipse.pictures import Picture
from ipse.pictures.tiling import enlargement
from ipse.settings import Settings
from ipse.streams.restoration import Restoration, Result

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.streams.restoration import Estimate


class Parts(Restoration):
    """The stream of one part after the other; ``seconds`` of the settings is shared out among them."""

    index = 0  #: parts that are done
    inner: Restoration | None = None  #: the part under way
    seen: Mapping[str, Any] | None = None  #: what was found in the last that is done
    spent = 0.0  #: seconds …
    steps = 0  #: … and steps of those that are done

    @property
    @abstractmethod
    def count(self) -> int:
        """How many parts there are."""

    @property
    def factor(self) -> int:
        """How many times longer each side of the result is."""
        return enlargement(self.options)

    def share(self) -> Settings:
        """The settings of the next part, with its share of the time that is left."""
        if self.settings.seconds is None:
            return self.settings
        left = (self.settings.seconds - self.spent) / (self.count - self.index)
        return replace(self.settings, seconds=max(1e-3, left))

    def pull(self, inner: Restoration) -> Iterator["Estimate | State"]:
        """Pull a part's stream, standing where it stands."""
        self.inner = inner
        for event in inner:
            self.follow(inner)
            yield event

    def done(self, result: Result) -> None:
        """Count a part whose result has been put away."""
        self.index, self.seen = self.index + 1, result.estimates
        self.spent, self.steps = self.spent + result.seconds, self.steps + result.steps

    def told(self, picture: Picture, reason: str) -> Result:
        """A picture as the result of all parts."""
        return Result(picture, reason, steps=self.steps, seconds=self.spent, estimates=dict(self.seen or {}))

    @property
    def has_estimate(self) -> bool:
        """Whether a part is done."""
        return self.index > 0

    @property
    def can_be_saved(self) -> bool:
        """Whether a part is done."""
        return self.index > 0

    def state_dict(self) -> dict[str, Any]:
        """How many parts are done, and what they took."""
        return {"index": self.index, "spent": self.spent, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the part that was under way, from its beginning."""
        self.index, self.spent, self.steps = state["index"], state["spent"], state["steps"]
