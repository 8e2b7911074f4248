"""Workers, one ready before it is asked for: a fit has one for itself, errands share one and wait in line."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ipse.web.process import Process, checked

MOST = 40  # pieces of work of one worker: whatever leaks ends with it


class Pool:
    """The workers of a server."""

    def __init__(self) -> None:
        self.spare: asyncio.Task[Process] | None = None
        self.clerk: Process | None = None
        self.turn = asyncio.Lock()
        self.closed = False

    def warm(self) -> None:
        """Start the next worker before it is asked for."""
        if self.spare is None:
            self.spare = asyncio.create_task(Process.start())

    async def take(self) -> Process:
        """Return a worker for a fit."""
        self.warm()
        assert self.spare is not None
        spare, self.spare = self.spare, None
        process = await spare
        return process if process.alive else await Process.start()

    async def back(self, process: Process) -> None:
        """Take a worker back whose work has ended; one that has worked for long, or that nobody needs, goes."""
        if process.alive and self.spare is None and process.done < MOST and not self.closed:
            self.spare = asyncio.create_task(_itself(process))
            return
        await process.close()
        if not self.closed:
            self.warm()

    async def errand(self, order: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Run an errand, when it is its turn.

        Raises:
            Refused: it failed.
        """
        async with self.turn:
            if self.clerk is None or not self.clerk.alive:
                self.clerk = await self.take()
                self.warm()
            clerk, ended = self.clerk, False
            try:
                async for message in clerk.work(order):
                    ended = message["say"] in ("done", "failed")
                    yield checked(message)
            finally:
                if not ended:  # nobody heard the rest: it would be taken for the next errand's
                    self.clerk = None
                    await clerk.kill()
                elif clerk.done >= MOST:
                    self.clerk = None
                    await clerk.close()

    async def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Run an errand, and return its last word.

        Raises:
            Refused: it failed.
        """
        last: dict[str, Any] = {}
        async for message in self.errand(order):
            last = message
        return last

    async def close(self) -> None:
        """End all but the fits."""
        self.closed = True
        spare = None if self.spare is None else await self.spare
        self.spare = None
        for process in (spare, self.clerk):
            if process is not None:
                await process.kill()


async def _itself(process: Process) -> Process:
    return process
