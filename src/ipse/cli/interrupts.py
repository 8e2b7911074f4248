"""SIGINT, SIGTERM ↦ "stop pulling": a fit is left between two steps, with the best it has.

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

SOON = 0.05  # seconds after which an interruption that had to wait comes again
LATE = 2.0  # … and one that was raised where nobody could pass it on
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Patience(Enum):
    """How many interruptions can wait."""

    NONE = 0
    ONE = 1
    ALL = 2


class Interrupts:
    """A context in which interruptions are asked for, not suffered."""

    def __init__(self) -> None:
        self.asked = False  #: whether there was an interruption
        self.patience = Patience.NONE
        self.before: dict[signal.Signals, Any] = {}
        self.again: threading.Timer | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            self.before = {one: signal.signal(one, self.handle) for one in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.again:
            self.again.cancel()
        for one, handler in self.before.items():
            signal.signal(one, handler)

    def handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of handlers
        """Note the interruption, or raise where it cannot wait."""
        waits = self.patience is Patience.ALL or (self.patience is Patience.ONE and not self.asked)
        self.asked = True
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
