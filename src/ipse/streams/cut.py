"""What ``Parts`` is composed of: a cut, how a picture falls into parts, and a join, what becomes of their results."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ipse.engine.problem import Nothing
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.stream import Reach, Result, Stream


class Cut(ABC):
    """How a picture falls into parts.

    Args:
        picture: the damaged picture.
        settings: those of the whole; ``Parts`` shares its seconds out.
    """

    noun = "part"  #: what a person is told
    needs_all = True  #: each part is needed; else those are left out that there is no time for
    at_once = False  #: parts are fitted at once where a device has room
    preliminary = ""  #: what ``first`` opens, as a person is told

    def __init__(self, picture: Picture, settings: Settings) -> None:
        self.picture, self.settings = picture, settings
        self.size = picture.size  #: (H, W) of what is cut

    @property
    @abstractmethod
    def count(self) -> int:
        """How many parts there are."""

    @abstractmethod
    def open(self, index: int, seconds: float | None) -> Stream:
        """Open the stream of one part, which may take so long."""

    @property
    def fits(self) -> int:
        """How many fits a part takes."""
        return 1

    @property
    def estimates(self) -> Mapping[str, Any]:
        """What was found in the whole, for the receipt."""
        return {}

    def begin(self) -> Nothing | None:
        """Find what only the whole picture can tell; ``Nothing`` ends the stream."""
        return None

    def first(self, seconds: float | None) -> Stream | None:
        """Open what must be restored before any part; None, mostly."""
        return None

    def take_first(self, result: Result) -> None:
        """Keep the result of ``first`` for the parts."""

    def take(self, index: int, stream: Stream) -> None:
        """Keep what the next part needs of one that is done."""

    def far(self, index: int) -> Reach | None:
        """How far a part is to go where a receipt is repeated; None is to its end."""
        return None

    def place(self, index: int) -> tuple[slice, slice] | None:
        """The rows and columns of the picture that a part lies in; None where parts are no regions of it."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What was kept for the parts that follow."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what was kept."""


class Join(ABC):
    """What becomes of the parts' results."""

    def begin(self) -> None:
        """Make room, once the cut has begun."""

    @abstractmethod
    def add(self, index: int, stream: Stream, result: Result) -> None:
        """Put away the result of a part."""

    @abstractmethod
    def result(self, done: int, *, ended: bool) -> Result:
        """The result of the first ``done`` parts; ``ended``: nobody cancelled them."""

    def end(self) -> None:
        """Finish, once all parts are done."""

    def state_dict(self) -> dict[str, Any]:
        """The results so far."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back the results so far."""
