"""errands ↦ records in this process, the fits of pictures of one size taking their steps at once.

Reading, pilot, refinement and writing are each picture's own, in turn; so is all of what fits no network, or cannot be
stacked. An errand that fails leaves the others as they are.
"""

import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from ipse.batch.carried import PAUSE, Source, Stream
from ipse.batch.errands import Errand
from ipse.batch.fits import Opened, fit
from ipse.batch.records import Moment, Record
from ipse.errors import OptionError

if TYPE_CHECKING:
    from ipse.engine.fit import Fit
    from ipse.engine.stopping import State
    from ipse.runs.run import Run
    from ipse.streams.stream import Estimate

Waiting = dict["Fit", Generator[Moment | Record]]  #: errands before their first step


@dataclass(frozen=True)
class Abreast:
    """Fits up to ``count`` pictures at once; None is as many as pay: on a GPU what memory allows up to 8, else 1.

    Raises:
        OptionError: a number that cannot be.
    """

    count: int | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise OptionError(f"together {self.count} cannot work: give 1 or more")

    def __call__(self, source: Source) -> Stream:
        """Carry errands out; stop pulling to cancel those under way."""
        waiting: Waiting = {}
        room = 1
        try:
            for errand in source:
                if isinstance(errand, Errand):
                    yield from begun(errand, waiting)
                    room = self.room(waiting, room)
                else:
                    yield errand
                if errand is None or len(waiting) >= room:
                    yield from fitted(waiting)
                if errand is None:
                    time.sleep(PAUSE)
            yield from fitted(waiting)
        except KeyboardInterrupt as error:  # it may have cut a step of all short: nobody is to save that
            for stream in waiting.values():
                with suppress(KeyboardInterrupt):
                    stream.throw(error)
            raise
        finally:
            for stream in waiting.values():
                stream.close()

    def room(self, waiting: Waiting, known: int) -> int:
        """How many fits like the largest that waits go at once: as was ``known``, unless it is the last that came."""
        largest = max(waiting, key=lambda fit: prod(fit.prior.size), default=None)
        if largest is None or largest is not next(reversed(waiting)):
            return known
        from ipse.engine.together.team import MOST, at_once, worthwhile

        problem = largest.problem
        return worthwhile(problem, MOST) if self.count is None else at_once(problem, self.count)


def begun(errand: Errand, waiting: Waiting) -> Stream:
    """Carry an errand out up to the first step of its fit, where it waits; to its end where there is none."""
    ready: list[Fit] = []
    stream = fit(errand, opened=up_to_first_step(ready))
    try:
        for event in stream:
            if ready:
                waiting[ready[0]] = stream
                return
            yield event
    except GeneratorExit:
        stream.close()
        raise


def fitted(waiting: Waiting) -> Stream:
    """Carry those that wait out to their ends, and forget them."""
    if waiting:
        from ipse.engine.together.team import together

        for events in together(waiting):
            yield from (event for _, event in events)
        waiting.clear()


def up_to_first_step(ready: "list[Fit]") -> Opened:
    """What opens a run so that it says when its fit stands ready, before the first step."""

    def opened(run: "Run") -> "Iterator[Estimate | State | None]":
        from ipse.streams.restoration import Restoration

        one = run.stream
        if run.output.settled is not None or not isinstance(one, Restoration):
            yield from run  # tiles, planes, seeds: several fits, one after the other
            return
        run.open()
        yield from run.pulled(one.begun())
        if one.search is not None:
            ready.append(one.search.fit)
            yield None
            yield from run.pulled(one.fitted())

    return opened
