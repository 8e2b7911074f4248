"""The components of ``Parts``: a cut divides a picture into parts, and a join combines their results."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipse.engine.problem import Nothing
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.stream import Reach, Result, Stream


class Cut(ABC):
    """Divides a picture into parts.

    Args:
        picture: the damaged picture.
        settings: the settings of the whole; ``Parts`` divides the time budget.
    """

    noun = "part"  #: name of a part for messages
    needs_all = True  #: whether all parts are needed; otherwise parts are skipped when the time is used up
    at_once = False  #: whether several parts may be fitted together if the device has enough memory
    preliminary = ""  #: name for messages of the restoration opened by ``first``

    def __init__(self, picture: Picture, settings: Settings) -> None:
        self.picture, self.settings = picture, settings
        self.size = picture.size  #: (H, W) of the divided picture

    @property
    @abstractmethod
    def count(self) -> int:
        """The number of parts."""

    @abstractmethod
    def open(self, index: int, seconds: float | None) -> Stream:
        """Open the stream of one part, with its time budget."""

    @property
    def fits(self) -> int:
        """The number of fits per part."""
        return 1

    @property
    def estimates(self) -> Mapping[str, Any]:
        """Estimates from the whole picture, for the receipt."""
        return {}

    @property
    def beside(self) -> Mapping[str, NDArray[np.float32]]:
        """Pictures that were estimated from the whole picture, by name."""
        return {}

    def begin(self) -> Nothing | None:
        """Analyse the whole picture; ``Nothing`` ends the stream."""
        return None

    def first(self, seconds: float | None) -> Stream | None:
        """Open the restoration that must come before all parts, if there is one."""
        return None

    def take_first(self, result: Result) -> None:
        """Store the result of ``first`` for the parts."""

    def take(self, index: int, stream: Stream) -> None:
        """Store what the next part needs from a finished one."""

    def far(self, index: int) -> Reach | None:
        """How far to run a part when repeating a receipt; None runs it to its end."""
        return None

    def place(self, index: int) -> tuple[slice, slice] | None:
        """The rows and columns of a part; None if parts are not regions of the picture."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """The state stored for the following parts."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the stored state."""


class Join(ABC):
    """Combines the results of the parts."""

    def begin(self) -> None:
        """Allocate memory, after the cut has begun."""

    @abstractmethod
    def add(self, index: int, stream: Stream) -> Result:
        """Add the result of a part, and return it."""

    @abstractmethod
    def result(self, done: int, *, ended: bool) -> Result:
        """The result of the first ``done`` parts; ``ended`` is False if the run was cancelled."""

    def end(self) -> None:
        """Finish, once all parts are done."""

    def state_dict(self) -> dict[str, Any]:
        """The results so far."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the results so far."""
