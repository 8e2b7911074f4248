"""The parts of a server, put together: what its routes reach."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from ipse.web.hub import Hub
from ipse.web.looking import Looks
from ipse.web.pool import Pool
from ipse.web.queue import Queue
from ipse.web.store import Store

HOUR = 3600.0


@dataclass(frozen=True)
class Limits:
    """What a server takes and keeps."""

    upload: int = 512 << 20  #: bytes of a file
    days: float = 30.0  #: for which jobs that ended, and unused pictures, are kept
    fits: int = 1  #: at a time
    hours: float = 48.0  #: of a job: then the best so far is kept
    space: int = 20 << 30  #: bytes of all that is kept


class Server:
    """Store, workers, queue and listeners of one running server.

    Args:
        folder: where pictures and jobs are kept.
        limits: what is taken and kept.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.store, self.pool, self.hub = Store(folder), Pool(), Hub()
        self.queue = Queue(
            self.store, self.pool, self.hub, limit=self.limits.fits, longest=3600 * self.limits.hours
        )
        self.looks = Looks(self.store, self.pool)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Start what runs beside the routes; end it so that all can go on later."""
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
        """End what others wait for: streams and errands."""
        self.hub.close()
        self.pool.leave()

    async def reclaim(self) -> None:
        """Remove what is old, now and every hour."""
        while True:
            for name in self.store.reclaim(days=self.limits.days):
                self.hub.changed(name)
            await asyncio.sleep(HOUR)


def server_of(request: Request) -> Server:
    """Return the server that a request has reached."""
    found: Server = request.app.state.server
    return found


Reached = Annotated[Server, Depends(server_of)]
