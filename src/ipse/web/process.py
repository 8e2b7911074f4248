"""The server's end of the pipe to a worker process: orders in, messages out."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

from ipse.errors import RunError

LINE = 1 << 20  # maximum size of a message in bytes
ENDS = ("done", "failed")  # kinds of messages that end a job
GONE = {
    "say": "failed",
    "code": "Gone",
    "message": "the worker process died, most likely for lack of memory",
}


class Process:
    """A running worker process."""

    def __init__(self, inner: asyncio.subprocess.Process) -> None:
        self.inner = inner
        self.done = 0  #: number of finished jobs

    @classmethod
    async def start(cls, *args: str) -> "Process":
        """Start a worker, which imports its modules and waits for orders."""
        inner = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ipse.web.worker", *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            start_new_session=True,  # so that Ctrl-C reaches only the server
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        return cls(inner)

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self.inner.returncode is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Send an order; ignored if the process has ended."""
        if self.inner.stdin is not None and not self.inner.stdin.is_closing():
            with suppress(ConnectionError):
                self.inner.stdin.write(json.dumps(message).encode() + b"\n")

    async def work(self, order: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Start a job and yield its messages until it ends."""
        self.send(order)
        assert self.inner.stdout is not None
        while line := await self.inner.stdout.readline():
            message: dict[str, Any] = json.loads(line)
            yield message
            if message["say"] in ENDS:
                self.done += 1
                return
        await self.close()  # the process is ending, and must not be reused
        yield GONE

    def end(self) -> None:
        """Kill the process."""
        if self.alive:
            with suppress(ProcessLookupError):
                self.inner.kill()

    async def kill(self) -> None:
        """Kill the process and wait for its end."""
        self.end()
        await self.inner.wait()

    async def close(self, *, patience: float = 5.0) -> None:
        """Let the process save and exit; kill it if it does not."""
        if self.inner.stdin is not None:
            self.inner.stdin.close()
        try:
            await asyncio.wait_for(self.inner.wait(), patience)
        except TimeoutError:
            await self.kill()


def checked(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message, unless it reports a failure.

    Raises:
        Refused: it failed; the code and the sentence are the worker's.
    """
    if message["say"] == "failed":
        raise Refused(message["code"], message["message"])
    return message


class Refused(RunError):  # noqa: N818 - the worker's message is the error
    """A worker reported a failure."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
