"""The server's components, as used by its routes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from ipse.web.hub import Hub
from ipse.web.looking import Looks
from ipse.web.metrics import Counts
from ipse.web.pool import Pool
from ipse.web.queue import Queue
from ipse.web.store import Store

HOUR = 3600.0


@dataclass(frozen=True)
class Limits:
    """The server's limits."""

    upload: int = 512 << 20  #: maximum size of a file, in bytes
    days: float = 30.0  #: days for which finished jobs and unused pictures are kept
    fits: int = 1  #: number of fits at a time
    hours: float = 48.0  #: maximum hours per job; then the best result so far is kept
    space: int = 20 << 30  #: maximum disk space in total, in bytes


class Server:
    """Store, workers, queue and listeners of one running server.

    Args:
        folder: where pictures and jobs are kept.
        limits: limits of uploads, jobs and disk space.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.store, self.pool, self.hub = Store(folder), Pool(), Hub()
        self.queue = Queue(
            self.store, self.pool, self.hub, limit=self.limits.fits, longest=3600 * self.limits.hours
        )
        self.looks = Looks(self.store, self.pool)
        self.counts = Counts(self.store)
        self.hub.listeners.add(self.counts)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Start the background tasks; at the end, stop them so that everything can be resumed later."""
        self.counts.watch()
        self.pool.warm()
        self.queue.revive()
        reclaiming = asyncio.create_task(self.reclaim())
        try:
            yield
        finally:
            reclaiming.cancel()
            with suppress(asyncio.CancelledError):
                await reclaiming
            self.leave()
            await self.looks.close()
            await self.queue.close()
            await self.pool.close()
            self.store.close()

    def leave(self) -> None:
        """End streams and errands, which others wait for."""
        self.hub.close()
        self.pool.leave()

    async def reclaim(self) -> None:
        """Remove old jobs and pictures, now and every hour."""
        while True:
            for name in self.store.reclaim(days=self.limits.days):
                self.hub.changed(name)
            await asyncio.sleep(HOUR)


def server_of(request: Request) -> Server:
    """Return the server of a request."""
    found: Server = request.app.state.server
    return found


Reached = Annotated[Server, Depends(server_of)]
