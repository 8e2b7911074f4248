"""What every restoration is: a stream of events from a picture to its result.

``Restoration`` is the stream of one picture, ``Parts`` that of many: tiles, planes, seeds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ipse.pictures import Picture, exhibit
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.engine.problem import Nothing, Problem
    from ipse.engine.stopping import State
    from ipse.engine.until import Search
    from ipse.streams.parts import Parts
    from ipse.streams.restoration import Restoration

EARLY = "stopped before the first estimate was ready, so nothing was written: run it again, and wait longer"
Reach = tuple[int, int]  # how far a run went: estimates, steps


@dataclass(frozen=True)
class Estimate:
    """An estimate (1, C, H, W) without a step of the fit; none is worse than the one before."""

    picture: Tensor
    index: int  #: of all estimates, from 0
    seconds: float
    refined: bool = False  #: it follows the fit; else it is a pilot


@dataclass(frozen=True)
class Result:
    """A restored picture, and how it came about."""

    picture: Picture
    reason: str  #: why the search ended
    unchanged: bool = False  #: there was nothing to restore
    step: int = 0  #: the step that was kept; 0 is the pilot
    steps: int = 0  #: the steps that were taken
    score: float | None = None  #: held-out score of what was kept
    pilot_score: float | None = None
    seconds: float = 0.0
    estimates: Mapping[str, Any] = field(default_factory=dict[str, Any])
    disagreement: NDArray[np.float32] | None = field(default=None, compare=False)
    #: (H, W): standard deviation of the runs of several seeds, in units of [0, 1]; None of a single run

    @property
    def image(self) -> Any:
        """The restored picture as an array; the library's faces give back the kind they were given."""
        return self.picture.to_array()

    def _repr_html_(self) -> str:
        """The result as a notebook shows it."""
        return exhibit.html(self)

    def _repr_png_(self) -> bytes:
        """The restored picture as a notebook shows it."""
        return exhibit.png(self)


class Stream(Protocol):
    """An iterable of events. Stop pulling to cancel; ``result`` is the best of what was pulled."""

    @property
    def picture(self) -> Picture:
        """The damaged picture."""
        ...

    @property
    def settings(self) -> Settings:
        """How hard to try, on what, and when to stop."""
        ...

    @property
    def current(self) -> "Restoration | None":
        """The restoration of one picture that is under way, or was the last; None before the first."""
        ...

    @property
    def problem(self) -> "Problem | Nothing | None":
        """What the task makes of the picture that is under way."""
        ...

    @property
    def search(self) -> "Search | None":
        """The search under way."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds of the pilot."""
        ...

    @property
    def count_of_estimates(self) -> int:
        """How many estimates the picture under way has had."""
        ...

    @property
    def where(self) -> str:
        """The parts that are under way, as ``"tile 3 of 12, seed 2 of 5, "``; empty where there is one picture."""
        ...

    @property
    def ahead(self) -> int:
        """How many fits follow the one under way."""
        ...

    @property
    def spent(self) -> float:
        """Seconds of all that is done, the pilot under way among it."""
        ...

    @property
    def mosaic(self) -> "Parts | None":
        """The stream under way whose parts lie side by side; None where there is none."""
        ...

    @property
    def done(self) -> Mapping[str, Any]:
        """What a receipt says of the parts: ``tiles``, how many are done, or ``runs``, how far each went."""
        ...

    @property
    def has_estimate(self) -> bool:
        """Whether there is a result."""
        ...

    @property
    def can_be_saved(self) -> bool:
        """Whether there is something to go on from."""
        ...

    def __iter__(self) -> "Iterator[Estimate | State]":
        """Pilots, steps and refinements."""
        ...

    def result(self) -> Result:
        """The best of what was pulled so far."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the stream depends on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict()``; call it before the first event is pulled."""
        ...


def steps(stream: Stream) -> int:
    """The steps that the recipe under way allows."""
    recipe = getattr(stream.problem, "recipe", None)
    return 0 if recipe is None else recipe.steps


def time_left(stream: Stream, event: "State") -> float:
    """Seconds to the last step, or to the end of the time budget: the rule may stop earlier."""
    current = stream.current
    pilot = 0.0 if current is None else current.seconds
    left = event.seconds / event.step * (steps(stream) - event.step)
    left += (pilot + event.seconds + left) * stream.ahead  # those that follow are like this one
    budget = stream.settings.seconds
    return left if budget is None else max(0.0, min(left, budget - stream.spent - event.seconds))
