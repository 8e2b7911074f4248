"""Workers, one ready before it is asked for: a fit has one for itself, errands share one and wait in line."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from ipse.web.process import ENDS, Process, Refused, checked

MOST = 40  # pieces of work of one worker: whatever leaks ends with it
ENDING = Refused("Ending", "the server is ending: ask it again when it is back")


class Clerk:
    """A worker that runs one errand after the other."""

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.turn = asyncio.Lock()
        self.process: Process | None = None

    async def errand(self, order: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Run an errand, when it is its turn; one that nobody hears to its end is ended.

        Raises:
            Refused: it failed, or the server is ending.
        """
        async with self.turn:
            if self.pool.closed:
                raise ENDING
            if self.process is None or not self.process.alive:
                self.process = await self.pool.take()
                self.pool.warm()
            process, over = self.process, False
            try:
                async for message in process.work(order):
                    over = message["say"] in ENDS
                    yield checked(message)
            finally:
                if not over or process.done >= MOST:  # the rest would be taken for the next errand's
                    self.process = None
                    process.end()

    async def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Run an errand, and return its last word.

        Raises:
            Refused: it failed, or the server is ending.
        """
        last: dict[str, Any] = {}
        async with aclosing(self.errand(order)) as messages:
            async for message in messages:
                last = message
        return last


class Pool:
    """The workers of a server."""

    def __init__(self) -> None:
        self.spare: asyncio.Task[Process] | None = None
        self.errands, self.plans = Clerk(self), Clerk(self)  # a plan may take long: nothing else waits for it
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

    def leave(self) -> None:
        """End all errands, so that nobody waits for them."""
        self.closed = True
        for clerk in (self.errands, self.plans):
            if clerk.process is not None:
                clerk.process.end()

    async def close(self) -> None:
        """End all but the fits."""
        self.leave()
        spare = None if self.spare is None else await self.spare
        self.spare = None
        for process in (spare, self.errands.process, self.plans.process):
            if process is not None:
                await process.kill()


async def _itself(process: Process) -> Process:
    return process
