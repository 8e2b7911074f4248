"""stdin, stdout ↦ orders in, messages out, a line of JSON each: the worker's end of the pipe."""

import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from typing import Any

from ipse.runs.receipt import plain

PATIENCE = 10.0  # seconds a worker whose server has gone may take to save and leave


class Channel:
    """What a worker hears and says; whatever else would print goes to standard error."""

    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.paused = threading.Event()
        self.going = threading.Event()
        self.stopped = False  #: the best so far is to be kept
        self.closed = False  #: the server has gone
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Hear orders until the pipe ends."""
        for line in sys.stdin:
            said: dict[str, Any] = json.loads(line)
            self.hear(said)
        self.closed = True
        self.going.set()
        self.orders.put(None)
        threading.Timer(PATIENCE, os._exit, (1,)).start()

    def hear(self, said: dict[str, Any]) -> None:
        """Note one order; those to a fit under way take effect at its next event."""
        match said["kind"]:
            case "pause":
                self.going.clear()
                self.paused.set()
            case "resume":
                self.paused.clear()
                self.going.set()
            case "stop":
                self.stopped = True
                self.paused.clear()
                self.going.set()
            case _:  # what was said to the work before it is over
                self.stopped = False
                self.paused.clear()
                self.going.clear()
                self.orders.put(said)

    def send(self, say: str, **body: Any) -> None:
        """Say one thing."""
        self.put({"say": say} | body)

    def put(self, message: Mapping[str, Any]) -> None:
        """Write one line."""
        print(json.dumps(plain(message), allow_nan=False), file=self.out, flush=True)
