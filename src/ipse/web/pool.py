"""Worker processes, one of which is always started in advance. Each fit has its own; errands share a few of them.

There are separate workers for headers, for small and for large pictures, and for plans, so that none of these waits for
another.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from ipse.web.process import ENDS, Process, Refused, checked
from ipse.web.worker import COLD

MOST = 40  # maximum number of jobs per worker, which bounds memory leaks
HEAVY = 12 << 20  # decoded size in bytes from which a picture is large: 4 million pixels in 8-bit RGB
LONGEST = 120.0  # time limit of an errand, in seconds
GRACE = 3.0  # seconds for which an abandoned plan may continue, since restarting its worker takes as long
ENDING = Refused("Ending", "the server is shutting down: try again when it is back")


class Clerk:
    """A worker that runs errands one after the other.

    Args:
        pool: where its workers come from.
        cold: whether they are started without PyTorch, apart from the pool.
        longest: seconds of an errand.
    """

    def __init__(self, pool: "Pool", *, cold: bool = False, longest: float = LONGEST) -> None:
        self.pool, self.cold, self.longest = pool, cold, longest
        self.turn = asyncio.Lock()
        self.owner: asyncio.Task[Any] | None = None  #: the task that is using the worker
        self.process: Process | None = None

    async def ready(self) -> Process:
        """Return a running worker.

        Raises:
            Refused: the server is ending.
        """
        if self.pool.closed:
            raise ENDING
        if self.process is None or not self.process.alive:
            self.process = await (Process.start(COLD) if self.cold else self.pool.take())
            if not self.cold:
                self.pool.warm()
        return self.process

    async def errand(self, order: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Run an errand when the worker is free; stop the worker if the caller leaves early.

        Raises:
            Refused: it failed, took too long, or the server is ending.
        """
        async with self.turn:
            self.owner = asyncio.current_task()
            process, over = await self.ready(), False
            try:
                async for message in within(process.work(order), self.longest):
                    over = message["say"] in ENDS
                    yield checked(message)
            finally:
                self.owner = None
                if not over or process.done >= MOST:  # remaining messages must not reach the next errand
                    self.process = None
                    process.end()

    async def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Run an errand, and return its last message.

        Raises:
            Refused: it failed, took too long, or the server is ending.
        """
        last: dict[str, Any] = {}
        async with aclosing(self.errand(order)) as messages:
            async for message in messages:
                last = message
        return last

    def forsake(self, asking: "asyncio.Task[Any]") -> None:
        """Cancel an abandoned errand: at once if it has not started, otherwise after ``GRACE`` seconds."""
        asking.add_done_callback(_heard)
        if self.owner is not asking:
            asking.cancel()
            return
        late = asyncio.get_running_loop().call_later(GRACE, asking.cancel)
        asking.add_done_callback(lambda _: late.cancel())


class Pool:
    """The workers of a server."""

    def __init__(self) -> None:
        self.spare: asyncio.Task[Process] | None = None
        self.gate, self.errands, self.heavy, self.plans = (
            Clerk(self, cold=True), Clerk(self), Clerk(self), Clerk(self)
        )  # fmt: skip
        self.clerks = (self.gate, self.errands, self.heavy, self.plans)
        self.closed = False
        self.expecting: asyncio.Task[None] | None = None

    def lane(self, weight: int) -> Clerk:
        """The worker for a picture of the given decoded size."""
        return self.heavy if weight > HEAVY else self.errands

    def warm(self) -> None:
        """Start the next worker in advance."""
        if self.spare is None:
            self.spare = asyncio.create_task(Process.start())

    def expect(self) -> None:
        """Start the workers that look at pictures, because somebody has opened the page and will bring one."""
        if self.expecting is None or self.expecting.done():
            self.expecting = asyncio.create_task(self.prepare())

    async def prepare(self) -> None:
        """Start the workers that look at pictures, one after the other."""
        for clerk in (self.gate, self.errands, self.plans):
            async with clerk.turn:
                if not self.closed:
                    await clerk.ready()

    async def take(self) -> Process:
        """Return a worker for a fit."""
        self.warm()
        assert self.spare is not None
        spare, self.spare = self.spare, None
        process = await spare
        return process if process.alive else await Process.start()

    async def back(self, process: Process) -> None:
        """Take back a worker that has finished; stop it if it has done many jobs or is not needed."""
        if process.alive and self.spare is None and process.done < MOST and not self.closed:
            self.spare = asyncio.create_task(_itself(process))
            return
        await process.close()
        if not self.closed:
            self.warm()

    def leave(self) -> None:
        """Cancel all errands."""
        self.closed = True
        for clerk in self.clerks:
            if clerk.process is not None:
                clerk.process.end()

    async def close(self) -> None:
        """Stop all workers except those of fits."""
        self.leave()
        if self.expecting is not None:
            await asyncio.wait({self.expecting})
        spare = None if self.spare is None else await self.spare
        self.spare = None
        for process in (spare, *(clerk.process for clerk in self.clerks)):
            if process is not None:
                await process.kill()


async def within(messages: AsyncGenerator[dict[str, Any]], seconds: float) -> AsyncGenerator[dict[str, Any]]:
    """Pass messages on, with a time limit.

    Raises:
        Refused: they did not end by then.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with suppress(StopAsyncIteration):
        while True:
            try:
                message = await asyncio.wait_for(anext(messages), end - loop.time())
            except TimeoutError:
                raise Refused(
                    "TooLong", f"it took more than {seconds:.0f} s and was stopped: give a smaller picture"
                ) from None
            yield message


def _heard(task: "asyncio.Task[Any]") -> None:
    """Retrieve a task's exception, so that asyncio does not report it."""
    if not task.cancelled():
        task.exception()


async def _itself(process: Process) -> Process:
    return process
