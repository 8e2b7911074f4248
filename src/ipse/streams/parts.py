"""x* from x*_1, x*_2, …: a restoration made of others, each pulled to its end before the next begins.

    Parts(cut, join)        cut   how a picture falls into parts: tiles, planes, copies by seed
                            join  what becomes of their results: a sum, rows of a draft, an average

A part's stream may itself be ``Parts``: tiles of planes and seeds of tiles come by composition.
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
    """The stream of one part after the other.

    Stop pulling, and the result is that of the parts that are done. A checkpoint goes on within the part under way.

    Args:
        cut: how the picture falls into parts.
        join: what becomes of their results.
    """

    seconds = 0.0  # of a pilot: those of the parts count as their fits'

    def __init__(self, cut: Cut, join: Join) -> None:
        self.cut, self.join = cut, join
        self.picture, self.settings = cut.picture, cut.settings
        self.index = 0  #: parts that are done
        self.inner: Stream | None = None  #: the part under way, or the last; of several at once the first
        self.abreast: list[Stream] = []  #: the part under way, and those at once with it
        self.held: list[dict[str, Any]] = []  #: of a checkpoint: where those stood
        self.nothing: Nothing | None = None
        self.preliminary = False  #: what comes before the first part is under way
        self.pulled = False  #: to the end
        self.seen: Mapping[str, Any] = {}  #: what was found in the last part that is done
        self.reached: list[Reach] = []  #: how far each of those that are done went
        self.spent_before, self.steps = 0.0, 0  #: seconds and steps of those that are done

    def __iter__(self) -> "Iterator[Estimate | State]":
        """Every part's pilots and steps, in turn."""
        self.nothing = self.cut.begin()
        if self.nothing is not None:
            return
        self.join.begin()
        yield from self.first()
        while self.index < self.cut.count and not self.late():
            yield from self.part()
            if not self.cut.needs_all and isinstance(self.problem, Nothing):
                return  # as in one copy of a picture, so in all
        if self.index == self.cut.count:
            self.join.end()
        self.pulled = True

    def late(self) -> bool:
        """Whether the time is up, and the rest can be left out."""
        budget = self.settings.seconds
        return (
            not self.cut.needs_all and bool(self.index) and budget is not None and self.spent_before >= budget
        )

    def share(self, parts: int) -> float | None:
        """The seconds of a part, where so many are left."""
        budget = self.settings.seconds
        return None if budget is None else max(1e-3, (budget - self.spent_before) / parts)

    def first(self) -> "Iterator[Estimate | State]":
        """Restore what must be known before the first part."""
        inner = None if self.index else self.cut.first(self.share(self.cut.count + 1))
        if inner is None:
            return
        self.preliminary = True
        yield from self.pull([inner])
        result, self.preliminary = inner.result(), False
        self.cut.take_first(result)
        self.spent_before, self.steps = result.seconds, result.steps

    def part(self) -> "Iterator[Estimate | State]":
        """Restore the next part, or several at once, and put away what comes of it."""
        yield from self.pull([self.opened(0)], far=self.cut.far(self.index))
        for one in self.abreast:
            self.add(one)

    def opened(self, further: int) -> Stream:
        """Open the next part, or one further on."""
        return self.cut.open(self.index + further, self.share(self.cut.count - self.index))

    def pull(self, streams: list[Stream], *, far: Reach | None = None) -> "Iterator[Estimate | State]":
        """Pull a part's stream from where a checkpoint left it, as far as it is to go."""
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
        """The stream of a part, and of those at once with it: as a checkpoint held them, else as many as pay."""
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
        """Put a part's result away; the index last, for with it the part counts as done."""
        if not self.cut.needs_all and isinstance(stream.problem, Nothing):
            return
        result = stream.result()
        self.join.add(self.index, stream, result)
        self.cut.take(self.index, stream)
        self.seen = result.estimates
        self.spent_before, self.steps = self.spent_before + result.seconds, self.steps + result.steps
        self.reached = [*self.reached[: self.index], (stream.count_of_estimates, result.steps)]
        self.index += 1

    def result(self) -> Result:
        """The result of the parts that are done; of one seed of several, its best so far.

        Raises:
            RunError: nothing was pulled yet.
        """
        if self.nothing is not None:
            said = self.nothing
            return Result(self.picture, said.said, unchanged=True, estimates=said.estimates)
        if not self.index and not self.cut.needs_all:
            if self.inner is None:
                raise RunError(EARLY)
            return self.inner.result()
        made = self.join.result(self.index, ended=self.pulled)
        found = {**self.seen, **self.cut.estimates}
        return replace(made, steps=self.steps, seconds=self.spent_before, estimates=found)

    @property
    def current(self) -> Restoration | None:
        """The restoration of one picture that is under way, or was the last."""
        return None if self.inner is None else self.inner.current

    @property
    def problem(self) -> Problem | Nothing | None:
        """What the task makes of the part under way, or of the whole where it needs nothing."""
        return self.nothing or (None if self.inner is None else self.inner.problem)

    @property
    def search(self) -> "Search | None":
        """The search under way."""
        return None if self.inner is None else self.inner.search

    @property
    def count_of_estimates(self) -> int:
        """How many estimates the part under way has had."""
        return 0 if self.inner is None else self.inner.count_of_estimates

    @property
    def where(self) -> str:
        """The part under way, and where within it."""
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
        """How many fits follow the one under way."""
        within = 0 if self.inner is None else self.inner.ahead
        return max(0, self.cut.count - self.index - 1) * self.cut.fits + within

    @property
    def spent(self) -> float:
        """Seconds of the parts that are done, and of what is done of the one under way."""
        under_way = self.inner is not None and not self.pulled
        return self.spent_before + (self.inner.spent if under_way and self.inner is not None else 0.0)

    @property
    def mosaic(self) -> "Parts | None":
        """The stream under way whose parts lie side by side."""
        if self.preliminary or self.inner is None:
            return None
        return self.inner.mosaic if self.cut.place(0) is None else self

    @property
    def reach(self) -> list[Reach]:
        """How far the parts went that the result is made of: those that are done, or the first as far as it got."""
        steps = 0 if self.search is None else self.search.fit.step
        return self.reached[: self.index] or [(self.count_of_estimates, steps)]

    @property
    def done(self) -> Mapping[str, Any]:
        """How many tiles or planes are done; how far each seed went."""
        return {"tiles": self.index} if self.cut.needs_all else {"runs": [list(one) for one in self.reach]}

    @property
    def has_estimate(self) -> bool:
        """Whether there is a result."""
        if self.index or self.cut.needs_all:
            return self.index > 0
        return self.inner is not None and self.inner.has_estimate

    @property
    def can_be_saved(self) -> bool:
        """Whether there is something to go on from; not between a part's last step and the next part."""
        if self.search is None or not self.abreast:
            return self.index > 0
        return any(one.can_be_saved for one in self.abreast)

    def state_dict(self) -> dict[str, Any]:
        """The results so far, and where the parts under way stand."""
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
        """Go on within the parts that were under way."""
        self.index, self.spent_before, self.steps = state["index"], state["spent"], state["steps"]
        self.seen, self.held = state["seen"], state["inner"]
        self.reached = [(estimates, steps) for estimates, steps in state["reached"]]
        self.cut.load_state_dict(state["cut"])
        self.join.load_state_dict(state["join"])
