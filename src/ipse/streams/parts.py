"""x* from x*_1, x*_2, …: a restoration composed of others, which run one after the other.

    Parts(cut, join)        cut   how a picture falls into parts: tiles, planes, copies by seed
                            join  what becomes of their results: a sum, rows of a draft, an average

A part's stream may itself be ``Parts``; tiles of planes and seeds of tiles are made by composition.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ipse.engine.problem import Nothing, Problem
from ipse.engine.together.team import together, worthwhile
from ipse.errors import RunError
from ipse.streams.cut import Cut, Join
from ipse.streams.restoration import Restoration
from ipse.streams.stream import EARLY, Estimate, Reach, Result, Stream

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.engine.until import Search


class Parts:
    """The stream of all parts. If you stop iterating, the result is that of the finished parts.

    Args:
        cut: divides the picture into parts.
        join: combines their results.
    """

    seconds = 0.0  # of the first estimate; for parts these count as fit

    def __init__(self, cut: Cut, join: Join) -> None:
        self.cut, self.join = cut, join
        self.picture, self.settings = cut.picture, cut.settings
        self.index = 0  #: number of finished parts
        self.inner: Stream | None = None  #: the current or last part; the first of several that run together
        self.abreast: list[Stream] = []  #: the current part, and those that run together with it
        self.held: list[dict[str, Any]] = []  #: states of these parts from a checkpoint
        self.nothing: Nothing | None = None
        self.preliminary = False  #: whether the restoration before the first part is running
        self.pulled = False  #: whether the stream has reached its end
        self.seen: Mapping[str, Any] = {}  #: estimates of the last finished part
        self.beside: Mapping[str, Any] = {}  #: pictures that the last finished part estimated
        self.reached: list[Reach] = []  #: how far each finished part went
        self.spent_before, self.steps = 0.0, 0  #: seconds and steps of the finished parts
        self.posing = 0.0  #: seconds in which their problems were posed, which no budget counts

    def __iter__(self) -> "Iterator[Estimate | State]":
        """Yield the estimates and steps of all parts."""
        self.nothing = self.cut.begin()
        if self.nothing is not None:
            return
        self.join.begin()
        yield from self.first()
        while self.index < self.cut.count and not self.late():
            yield from self.part()
            if not self.cut.needs_all and isinstance(self.problem, Nothing):
                return  # the other copies of the picture are the same
        if self.index == self.cut.count:
            self.join.end()
        self.pulled = True

    def late(self) -> bool:
        """Whether the time is used up and the remaining parts can be skipped."""
        budget, skippable = self.settings.seconds, self.index > 0 and not self.cut.needs_all
        return skippable and budget is not None and self.spent_before >= budget

    def share(self, parts: int) -> float | None:
        """The time budget of a part, given the remaining time."""
        budget = self.settings.seconds
        return None if budget is None else max(1e-3, (budget - self.spent_before) / parts)

    def first(self) -> "Iterator[Estimate | State]":
        """Run the restoration that comes before the first part."""
        if self.index or (inner := self.cut.first(self.share(self.cut.count + 1))) is None:
            return
        self.preliminary = True
        yield from self.pull([inner])
        result, self.preliminary = inner.result(), False
        self.cut.take_first(result)
        self.spent_before, self.steps = result.seconds, result.steps

    def part(self) -> "Iterator[Estimate | State]":
        """Restore the next part, or several together, and add the results to the join."""
        yield from self.pull([self.opened(0)], far=self.cut.far(self.index))
        for one in self.abreast:
            self.add(one)

    def opened(self, further: int) -> Stream:
        """Open the next part, or a later one."""
        return self.cut.open(self.index + further, self.share(self.cut.count - self.index))

    def pull(self, streams: list[Stream], *, far: Reach | None = None) -> "Iterator[Estimate | State]":
        """Run a part's stream from its checkpoint, as far as required."""
        self.abreast, held, self.held = streams, self.held, []
        self.inner = first = streams[0]
        if held:
            first.load_state_dict(held[0])
        alone = self.preliminary or far is not None or not self.cut.at_once
        for event in first if alone else self.several(cast(Restoration, first), held[1:] if held else None):
            yield event
            taken = 0 if first.search is None else first.search.fit.step
            if far is not None and first.count_of_estimates >= far[0] and taken >= far[1]:
                return

    def several(self, first: Restoration, held: list[dict[str, Any]] | None) -> "Iterator[Estimate | State]":
        """The stream of a part and of those that run together with it, as in the checkpoint or as many as pay off."""
        yield from first.begun()
        others = len(held or ())
        if held is None and first.search is not None:
            others = worthwhile(first.search.fit.problem, self.cut.count - self.index) - 1
        for further in range(1, 1 + others):
            other = cast(Restoration, self.opened(further))
            if held is not None:
                other.load_state_dict(held[further - 1])
            self.abreast.append(other)
            yield from other.begun()
        team = [cast(Restoration, one) for one in self.abreast]
        for events in together({one.search.fit: one.fitted() for one in team if one.search is not None}):
            yield from (event for _, event in events)

    def add(self, stream: Stream) -> None:
        """Add a part's result to the join; the index is updated last, because it marks the part as finished."""
        if not self.cut.needs_all and isinstance(stream.problem, Nothing):
            return
        result = self.join.add(self.index, stream)
        self.cut.take(self.index, stream)
        self.posing += 0.0 if stream.current is None else stream.current.posing.seconds
        self.seen, self.beside = result.estimates, {**result.beside, **self.cut.beside}
        self.spent_before, self.steps = self.spent_before + result.seconds, self.steps + result.steps
        self.reached = [*self.reached[: self.index], (stream.count_of_estimates, result.steps)]
        self.index += 1

    def result(self) -> Result:
        """The result of the finished parts; during the first of several seeds, its best result so far.

        Raises:
            RunError: nothing was pulled yet.
        """
        if self.nothing is not None:
            return Result(self.picture, self.nothing.said, unchanged=True, estimates=self.nothing.estimates)
        if not self.index and not self.cut.needs_all:
            if self.inner is None:
                raise RunError(EARLY)
            return self.inner.result()
        made = self.join.result(self.index, ended=self.pulled)
        found = {**self.seen, **self.cut.estimates}
        return replace(made, steps=self.steps, seconds=self.spent_before, estimates=found, beside=self.beside)

    @property
    def current(self) -> Restoration | None:
        """The current or last restoration of a single picture."""
        return None if self.inner is None else self.inner.current

    @property
    def problem(self) -> Problem | Nothing | None:
        """The problem of the current part, or ``Nothing`` if there is nothing to restore."""
        return self.nothing or (None if self.inner is None else self.inner.problem)

    @property
    def search(self) -> "Search | None":
        """The current search."""
        return None if self.inner is None else self.inner.search

    @property
    def count_of_estimates(self) -> int:
        """The number of estimates of the current part so far."""
        return 0 if self.inner is None else self.inner.count_of_estimates

    @property
    def where(self) -> str:
        """The current part, and the position within it."""
        if self.preliminary:
            return f"{self.cut.preliminary}, "
        within = "" if self.inner is None else self.inner.where
        count, noun = self.cut.count, self.cut.noun
        if count == 1:
            return within
        first, last = min(self.index + 1, count), min(self.index + len(self.abreast), count)
        which = f"{noun}s {first} to {last}" if last > first else f"{noun} {first}"
        return f"{which} of {count}, {within}"

    @property
    def ahead(self) -> int:
        """The number of fits after the current one."""
        within = 0 if self.inner is None else self.inner.ahead
        return max(0, self.cut.count - self.index - 1) * self.cut.fits + within

    @property
    def spent(self) -> float:
        """The seconds spent so far."""
        if self.inner is None or self.pulled:
            return self.spent_before
        return self.spent_before + self.inner.spent

    @property
    def mosaic(self) -> "Parts | None":
        """The current stream whose parts are regions of the picture."""
        if self.preliminary or self.inner is None:
            return None
        return self.inner.mosaic if self.cut.place(0) is None else self

    @property
    def reach(self) -> list[Reach]:
        """How far the parts of the result went: the finished ones, or the first one if it is unfinished."""
        steps = 0 if self.search is None else self.search.fit.step
        return self.reached[: self.index] or [(self.count_of_estimates, steps)]

    @property
    def done(self) -> Mapping[str, Any]:
        """The number of finished tiles or planes, or how far each seed went."""
        return {"tiles": self.index} if self.cut.needs_all else {"runs": [list(one) for one in self.reach]}

    @property
    def has_estimate(self) -> bool:
        """Whether there is a result."""
        if self.index or self.cut.needs_all:
            return self.index > 0
        return self.inner is not None and self.inner.has_estimate

    @property
    def can_be_saved(self) -> bool:
        """Whether the state can be saved; not between a part's last step and the next part."""
        if self.search is None or not self.abreast:
            return self.index > 0
        return any(one.can_be_saved for one in self.abreast)

    def state_dict(self) -> dict[str, Any]:
        """The results so far, and the state of the current parts."""
        return {
            "index": self.index,
            "spent": self.spent_before,
            "steps": self.steps,
            "seen": dict(self.seen),
            "reached": [list(reach) for reach in self.reached[: self.index]],
            "cut": self.cut.state_dict(),
            "join": self.join.state_dict(),
            "inner": [] if self.search is None or self.pulled else [one.state_dict() for one in self.abreast],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume within the parts that were running."""
        self.index, self.spent_before, self.steps = state["index"], state["spent"], state["steps"]
        self.seen, self.held = state["seen"], state["inner"]
        self.reached = [(estimates, steps) for estimates, steps in state["reached"]]
        self.cut.load_state_dict(state["cut"])
        self.join.load_state_dict(state["join"])
