"""The worker's end of the pipe: orders on stdin and messages on stdout, one line of JSON each."""

import json
import os
import queue
import sys
import threading
from collections.abc import Mapping
from typing import Any

from ipse.runs.receipt import plain

PATIENCE = 10.0  # seconds for a worker to save and exit after its server has gone


class Channel:
    """Receives orders and sends messages. Anything else that prints is redirected to standard error."""

    def __init__(self) -> None:
        self.out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self.orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.paused = threading.Event()
        self.going = threading.Event()
        self.stopped = False  #: whether to stop and keep the best result so far
        self.closed = False  #: whether the server has gone
        self.lock = threading.Lock()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Receive orders until the pipe is closed."""
        for line in sys.stdin:
            said: dict[str, Any] = json.loads(line)
            self.hear(said)
        self.closed = True
        self.going.set()
        self.orders.put(None)
        threading.Timer(PATIENCE, os._exit, (1,)).start()

    def hear(self, said: dict[str, Any]) -> None:
        """Handle one order. Orders to a running fit take effect at its next event."""
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
            case _:  # an order for earlier work, which is over
                self.stopped = False
                self.paused.clear()
                self.going.clear()
                self.orders.put(said)

    def send(self, say: str, **body: Any) -> None:
        """Send a message."""
        self.put({"say": say} | body)

    def put(self, message: Mapping[str, Any]) -> None:
        """Write one line; any thread may."""
        line = json.dumps(plain(message), allow_nan=False)
        with self.lock:
            print(line, file=self.out, flush=True)
