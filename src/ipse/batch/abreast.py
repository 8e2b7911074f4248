"""errands ↦ records in this process, fitting several pictures of the same size together.

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

Waiting = dict["Fit", Generator[Moment | Record]]  #: errands that wait for their first step


@dataclass(frozen=True)
class Abreast:
    """Fits up to ``count`` pictures together; None means up to 8 on a GPU, as memory allows, and 1 elsewhere.

    Raises:
        OptionError: ``count`` is less than 1.
    """

    count: int | None = None

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise OptionError(f"together must be 1 or more, got {self.count}")

    def __call__(self, source: Source) -> Stream:
        """Run errands. Stop iterating to cancel those that are running."""
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
        except (
            KeyboardInterrupt
        ) as error:  # it may have interrupted a common step, whose state must not be saved
            for stream in waiting.values():
                with suppress(KeyboardInterrupt):
                    stream.throw(error)
            raise
        finally:
            for stream in waiting.values():
                stream.close()

    def room(self, waiting: Waiting, known: int) -> int:
        """The number of fits like the largest waiting one that run together; ``known`` unless that is the newest."""
        largest = max(waiting, key=lambda fit: prod(fit.prior.size), default=None)
        if largest is None or largest is not next(reversed(waiting)):
            return known
        from ipse.engine.together.team import MOST, at_once, worthwhile

        problem = largest.problem
        return worthwhile(problem, MOST) if self.count is None else at_once(problem, self.count)


def begun(errand: Errand, waiting: Waiting) -> Stream:
    """Run an errand up to the first step of its fit, or to its end if there is no fit."""
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
    """Run the waiting errands to their ends."""
    if waiting:
        from ipse.engine.together.team import together

        for events in together(waiting):
            yield from (event for _, event in events)
        waiting.clear()


def up_to_first_step(ready: "list[Fit]") -> Opened:
    """Opens a run so that it yields None when its fit is ready, before the first step."""

    def opened(run: "Run") -> "Iterator[Estimate | State | None]":
        from ipse.streams.restoration import Restoration

        one = run.stream
        if run.output.settled is not None or not isinstance(one, Restoration):
            yield from run  # tiles, planes and seeds are several fits, one after the other
            return
        run.open()
        yield from run.pulled(one.begun())
        if one.search is not None:
            ready.append(one.search.fit)
            yield None
            yield from run.pulled(one.fitted())

    return opened
