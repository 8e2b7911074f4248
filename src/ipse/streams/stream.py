"""The interface of all restorations: a stream of events from a picture to its result.

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

EARLY = "stopped before the first estimate was ready, so nothing was written: run it again and wait longer"
Reach = tuple[int, int]  # how far a run went: estimates, steps


@dataclass(frozen=True)
class Estimate:
    """A first estimate or a refinement (1, C, H, W); none is worse than the one before."""

    picture: Tensor
    index: int  #: number of the estimate, from 0
    seconds: float
    refined: bool = False  #: True for a refinement after the fit, False for a first estimate


@dataclass(frozen=True)
class Result:
    """A restored picture, with details of the run."""

    picture: Picture
    reason: str  #: the reason why the run ended
    unchanged: bool = False  #: whether there was nothing to restore
    step: int = 0  #: the step that was kept; 0 is the first estimate
    steps: int = 0  #: number of steps taken
    score: float | None = None  #: held-out score of the kept step
    pilot_score: float | None = None
    seconds: float = 0.0
    estimates: Mapping[str, Any] = field(default_factory=dict[str, Any])
    disagreement: NDArray[np.float32] | None = field(default=None, compare=False)
    #: (H, W): standard deviation over several seeds, in units of [0, 1]; None for a single run
    beside: Mapping[str, NDArray[np.float32]] = field(
        default_factory=dict[str, NDArray[np.float32]], compare=False
    )
    #: (K, L): pictures that were estimated on the way, by name, such as the ``kernel`` of ``deblur``

    @property
    def image(self) -> Any:
        """The restored picture as an array; the functions of ``ipse.api`` return the kind of their input."""
        return self.picture.to_array()

    def _repr_html_(self) -> str:
        """The result as a notebook shows it."""
        return exhibit.html(self)

    def _repr_png_(self) -> bytes:
        """The restored picture as a notebook shows it."""
        return exhibit.png(self)


class Stream(Protocol):
    """An iterable of events. Stop iterating to cancel; ``result`` is the best result so far."""

    @property
    def picture(self) -> Picture:
        """The damaged picture."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings of the restoration."""
        ...

    @property
    def current(self) -> "Restoration | None":
        """The current or last restoration of a single picture; None before the first one."""
        ...

    @property
    def problem(self) -> "Problem | Nothing | None":
        """The problem of the current picture."""
        ...

    @property
    def search(self) -> "Search | None":
        """The current search."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds of the first estimates."""
        ...

    @property
    def count_of_estimates(self) -> int:
        """The number of estimates of the current picture so far."""
        ...

    @property
    def where(self) -> str:
        """The current parts, such as ``"tile 3 of 12, seed 2 of 5, "``; empty for a single picture."""
        ...

    @property
    def ahead(self) -> int:
        """The number of fits after the current one."""
        ...

    @property
    def spent(self) -> float:
        """The seconds spent so far, including the current first estimates."""
        ...

    @property
    def mosaic(self) -> "Parts | None":
        """The current stream whose parts are regions of the picture; None if there is none."""
        ...

    @property
    def done(self) -> Mapping[str, Any]:
        """The receipt's entries about parts: ``tiles``, the number of finished ones, or ``runs``, how far each went."""
        ...

    @property
    def has_estimate(self) -> bool:
        """Whether there is a result."""
        ...

    @property
    def can_be_saved(self) -> bool:
        """Whether the state can be saved."""
        ...

    def __iter__(self) -> "Iterator[Estimate | State]":
        """Yield first estimates, steps and refinements."""
        ...

    def result(self) -> Result:
        """The best result so far."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the stream depends on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore ``state_dict()``; call this before iterating."""
        ...


def steps(stream: Stream) -> int:
    """The maximum number of steps of the current fit."""
    recipe = getattr(stream.problem, "recipe", None)
    return 0 if recipe is None else recipe.steps
