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

SOON = 0.05  # seconds after which a postponed interruption is sent again
LATE = 2.0  # seconds after which an interruption is sent again in case its exception was swallowed
NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP: the terminal was closed, or its connection lost
SIGNALS = [signal.Signals[name] for name in NAMES if hasattr(signal, name)]


class Patience(Enum):
    """How many interruptions are postponed."""

    NONE = 0
    ONE = 1
    ALL = 2


class Interrupts:
    """A context in which interruptions set a flag instead of raising at an arbitrary place.

    Raises:
        Interrupted: at the end of the context, after an interruption that was not postponed.
    """

    def __init__(self) -> None:
        self.number: int | None = None  #: the first signal received
        self.patience = Patience.NONE
        self.before: dict[signal.Signals, Any] = {}
        self.again: threading.Timer | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # handlers can only be set there
            # Signals that the parent process has set to be ignored (nohup) stay ignored.
            heard = [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
            self.before = {one: signal.signal(one, self.handle) for one in heard}
        return self

    @property
    def asked(self) -> bool:
        """Whether there was an interruption."""
        return self.number is not None

    def check(self) -> None:
        """Raise ``Interrupted`` if there was an interruption; the work has been left in order."""
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
        """Record the interruption, or raise if it cannot be postponed."""
        waits = self.patience is Patience.ALL or (self.patience is Patience.ONE and not self.asked)
        self.number = number if self.number is None else self.number
        if waits:
            return
        # A callback of the garbage collector, or an import's own except clause, may swallow the exception.
        self.later(number, SOON if loading() else LATE)
        if not loading():
            raise KeyboardInterrupt

    def later(self, number: int, seconds: float) -> None:
        """Send the signal again after a while, unless this context has been left by then."""
        if self.again:
            self.again.cancel()
        self.again = threading.Timer(seconds, os.kill, (os.getpid(), number))
        self.again.daemon = True
        self.again.start()


def loading() -> bool:
    """Whether PyTorch is being imported; an exception in its C++ code would end the process without a message."""
    return bool(getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False))
