"""A clock of work: what a computation has done, and how long that took.

Long computations count where they work, in seconds of the machine on which their costs were measured. Whoever knows how
much there is to do then knows how much is left, on any machine: only the ratios of the costs count.
"""

import time
from contextvars import ContextVar
from types import TracebackType


class Clock:
    """Counts the work that is done within ``with clock:``, and the seconds that pass there."""

    now = staticmethod(time.perf_counter)  #: what tells the seconds

    def __init__(self) -> None:
        self.done = 0.0  #: work so far
        self.past = 0.0  # seconds of earlier stretches
        self.since: float | None = None  # when the present stretch began

    def __enter__(self) -> "Clock":
        """Count until the end of the block."""
        self.token, self.since = _CLOCK.set(self), self.now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop counting."""
        _CLOCK.reset(self.token)
        self.past, self.since = self.seconds, None

    @property
    def seconds(self) -> float:
        """Seconds so far; any thread may ask."""
        since = self.since
        return self.past + (0.0 if since is None else self.now() - since)


_CLOCK: ContextVar[Clock | None] = ContextVar("clock", default=None)


def count(work: float) -> None:
    """Say that work was done, if somebody counts."""
    clock = _CLOCK.get()
    if clock is not None:
        clock.done += work
