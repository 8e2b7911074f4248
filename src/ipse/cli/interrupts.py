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

AGAIN = 0.05  # seconds after which an interruption is tried again
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

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            self.before = {one: signal.signal(one, self.handle) for one in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self.before.items():
            signal.signal(one, handler)

    def handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of handlers
        """Note the interruption, or raise where it cannot wait."""
        waits = self.patience is Patience.ALL or (self.patience is Patience.ONE and not self.asked)
        self.asked = True
        if waits:
            return
        if loading():
            threading.Timer(AGAIN, os.kill, (os.getpid(), number)).start()
            return
        raise KeyboardInterrupt


def loading() -> bool:
    """Whether PyTorch is being imported: an exception within its C++ would end the process without a word."""
    return bool(getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False))
