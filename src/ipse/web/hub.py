"""Publish changes of jobs to the streams of listeners.

A slow listener may miss intermediate states but never the last one, because only the names of changed jobs are queued.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

BEAT = 15.0  # seconds after which an idle stream sends a keep-alive


class Hub:
    """The registered listeners."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.closed = False

    def changed(self, name: str) -> None:
        """Notify all listeners that a job has changed or was deleted."""
        for listener in self.listeners:
            listener.tell(name)

    @contextmanager
    def listening(self) -> Generator["Listener"]:
        """Register a listener, which receives all changes from now on."""
        listener = Listener()
        self.listeners.add(listener)
        try:
            yield listener
        finally:
            self.listeners.discard(listener)

    def close(self) -> None:
        """End all streams."""
        self.closed = True
        for listener in self.listeners:
            listener.news.set()


class Listener:
    """A listener, with the names of changed jobs that it has not received yet."""

    def __init__(self) -> None:
        self.waiting: dict[str, None] = {}
        self.news = asyncio.Event()

    def tell(self, name: str) -> None:
        """Add the name of a changed job."""
        self.waiting[name] = None
        self.news.set()

    async def next(self) -> list[str | None]:
        """Wait for names; return None after ``BEAT`` seconds without any."""
        try:
            await asyncio.wait_for(self.news.wait(), BEAT)
        except TimeoutError:
            return [None]
        names: list[str | None] = list(self.waiting)
        self.waiting = {}
        self.news.clear()
        return names
