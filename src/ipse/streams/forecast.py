"""The seconds that are left of a stream, from what is done and how long it took.

posing     of a large picture: as long for a pixel as its middle took
estimates  the work that is left (``ipse.work``), at the pace so far
fit        the steps that are left, at the pace so far; the rule may stop earlier
parts      those that are left, at the pace of the finished ones
"""

import numpy as np
import torch

from ipse import tasks
from ipse.engine.problem import Nothing, Problem
from ipse.errors import IpseError
from ipse.pictures import Picture
from ipse.pilots._steps import cost
from ipse.pilots.non_local import non_local
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Stream, steps
from ipse.work import Clock

MIDDLE = 384  # side in pixels of what is looked at first
LARGE = 4  # times as many pixels make a picture large
BLOCK = 32  # its place is a multiple of it, so that a JPEG's blocks stay whole
SOON = 0.01  # share of the work from which its pace can be told


class Forecast:
    """Says how long a stream takes; ask at any time, from any thread."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        #: seconds that are expected of a large picture, before its problem is posed
        self.posing, self.estimating = 0.0, 0.0

    def look(self) -> None:
        """Expect of a large picture what its middle is like, which takes a few seconds."""
        one = self.stream
        if not isinstance(one, Restoration) or tasks.sees(one.name) != "whole":
            return
        height, width = one.picture.size
        if height * width < LARGE * MIDDLE**2:
            return
        try:
            start = Clock.now()
            found = one.task(middle(one.picture), one.settings, **one.options)
            took = Clock.now() - start
        except IpseError:  # it will be said of the whole picture
            return
        scale = height * width / MIDDLE**2
        if isinstance(found, Problem) and found.pilot is not None and not found.recipe.steps:
            self.posing, self.estimating = took * scale, found.pilot.work * scale * pace()

    def left(self) -> float | None:
        """Seconds to the end, or to the end of the time budget; None while nobody can say."""
        stream, one = self.stream, self.stream.current
        if one is None:
            return None
        left, each = self.of(one), self.finished()
        if left is None:  # a part has hardly begun
            left = None if each is None else max(0.0, each - spent(one))
        if left is None:
            return None
        left += stream.ahead * (spent(one) + left if each is None else each)
        budget = stream.settings.seconds
        return left if budget is None else max(0.0, min(left, budget - stream.spent))

    def of(self, one: Restoration) -> float | None:
        """Seconds that are left of one restoration."""
        if one.search is not None:
            fit = one.search.fit
            return fit.seconds / fit.step * (steps(one) - fit.step) if fit.step else None
        if one.problem is None:
            return max(0.0, self.posing - one.posing.seconds) + self.estimating if self.posing else None
        if isinstance(one.problem, Nothing):
            return 0.0
        pilot, clock = one.problem.pilot, one.estimating
        if pilot is None or not pilot.work or one.problem.recipe.steps:
            return None
        if clock.done < SOON * pilot.work:
            return max(0.0, self.estimating - clock.seconds) if self.estimating else None
        return max(0.0, pilot.work - clock.done) * clock.seconds / clock.done

    def finished(self) -> float | None:
        """Seconds that a finished restoration took; None if there is none."""
        stream = self.stream
        if not isinstance(stream, Parts) or not stream.index:
            return None
        return (stream.spent_before + stream.posing) / (stream.index * stream.cut.fits)

    def share(self) -> float | None:
        """How much of the time is over, from 0 to 1; None while nobody can say."""
        one, left = self.stream.current, self.left()
        if one is None or left is None:
            return None
        over = max(self.stream.spent + one.posing.seconds, spent(one))
        return over / (over + left) if over + left > 0 else 1.0


def spent(one: Restoration) -> float:
    """Seconds of one restoration so far."""
    fit = 0.0 if one.search is None else one.search.fit.seconds
    return one.posing.seconds + one.estimating.seconds + fit + one.refining


def middle(picture: Picture) -> Picture:
    """The middle of a picture."""
    top, left = ((side - MIDDLE) // 2 // BLOCK * BLOCK for side in picture.size)
    return picture.crop(slice(top, top + MIDDLE), slice(left, left + MIDDLE))


def pace() -> float:
    """Seconds that a unit of work takes here."""
    y = torch.from_numpy(np.random.default_rng(0).random((1, 3, 96, 96), np.float32))
    start = Clock.now()
    non_local(y, 0.1, preset="fast")
    return (Clock.now() - start) / cost("fast", y)
