"""Changes → streams: whoever listens hears of each job that changed, as it is now.

A slow listener misses the states between, never the last; what waits for it is a set of names.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

BEAT = 15.0  # seconds after which a silent stream shows that it lives


class Hub:
    """Those who listen."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.closed = False

    def changed(self, name: str) -> None:
        """Tell all that a job has changed, or is gone."""
        for listener in self.listeners:
            listener.tell(name)

    @contextmanager
    def listening(self) -> Generator["Listener"]:
        """Open an ear: what changes from now on is heard."""
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
    """One who listens."""

    def __init__(self) -> None:
        self.waiting: dict[str, None] = {}
        self.news = asyncio.Event()

    def tell(self, name: str) -> None:
        """Note a name."""
        self.waiting[name] = None
        self.news.set()

    async def next(self) -> list[str | None]:
        """Wait for names; after a while without any, None."""
        try:
            await asyncio.wait_for(self.news.wait(), BEAT)
        except TimeoutError:
            return [None]
        names: list[str | None] = list(self.waiting)
        self.waiting = {}
        self.news.clear()
        return names
