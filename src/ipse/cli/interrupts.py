"""SIGINT, SIGTERM, SIGHUP ↦ "stop pulling": a fit is left between two steps, with the best it has.

Before there is an estimate an interruption ends the program; during the fit the first is noted and the
second cuts the step short; while files are written all are noted.
"""

import os
import signal
import sys
import threading
from enum import Enum
from types import FrameType, TracebackType
from typing import Any, Self

from ipse.cli.errors import EARLY, Interrupted

SOON = 0.05  # seconds after which an interruption that had to wait comes again
LATE = 2.0  # … and one that was raised where nobody could pass it on
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # the last is a terminal that was closed, or a line that was cut
SIGNALS = [signal.Signals[name] for name in NAMES if hasattr(signal, name)]


class Patience(Enum):
    """How many interruptions can wait."""

    NONE = 0
    ONE = 1
    ALL = 2


class Interrupts:
    """A context in which interruptions are asked for, not suffered.

    Raises:
        Interrupted: on the way out, where there was one that could not wait.
    """

    def __init__(self) -> None:
        self.number: int | None = None  #: the first signal that came
        self.patience = Patience.NONE
        self.before: dict[signal.Signals, Any] = {}
        self.again: threading.Timer | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            # What whoever started this has had ignored (nohup) stays so.
            heard = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
            self.before = {one: signal.signal(one, self.handle) for one in heard}
        return self

    @property
    def asked(self) -> bool:
        """Whether there was an interruption."""
        return self.number is not None

    def check(self) -> None:
        """Say that what was to be done was interrupted, and left in order; raises ``Interrupted``."""
        if self.number is not None:
            raise Interrupted(self.number)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.again:
            self.again.cancel()
        for one, handler in self.before.items():
            signal.signal(one, handler)
        if isinstance(error, KeyboardInterrupt) and self.number is not None:
            raise Interrupted(self.number, EARLY) from None

    def handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of handlers
        """Note the interruption, or raise where it cannot wait."""
        waits = self.patience is Patience.ALL or (self.patience is Patience.ONE and not self.asked)
        self.number = number if self.number is None else self.number
        if waits:
            return
        # A callback of the garbage collector, or an import's own except clause, may swallow the exception.
        self.later(number, SOON if loading() else LATE)
        if not loading():
            raise KeyboardInterrupt

    def later(self, number: int, seconds: float) -> None:
        """Have the signal come again, unless this context has been left by then."""
        if self.again:
            self.again.cancel()
        self.again = threading.Timer(seconds, os.kill, (os.getpid(), number))
        self.again.daemon = True
        self.again.start()


def loading() -> bool:
    """Whether PyTorch is being imported: an exception within its C++ would end the process without a word."""
    return bool(getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False))
