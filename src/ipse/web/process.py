"""order → worker → messages: the server's end of the pipe to one worker."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any

from ipse.errors import RunError

LINE = 1 << 20  # bytes of a message at most
ENDS = ("done", "failed")  # what ends a piece of work
GONE = {
    "say": "failed",
    "code": "Gone",
    "message": "the worker process died, most likely for lack of memory",
}


class Process:
    """A worker, started and spoken to."""

    def __init__(self, inner: asyncio.subprocess.Process) -> None:
        self.inner = inner
        self.done = 0  #: pieces of work it has done

    @classmethod
    async def start(cls, *args: str) -> "Process":
        """Start a worker; it imports what it needs and waits."""
        inner = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ipse.web.worker", *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE,
            start_new_session=True,  # Ctrl-C is the server's alone
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        return cls(inner)

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.inner.returncode is None

    def send(self, message: Mapping[str, Any]) -> None:
        """Say one thing; to one that has ended, nothing."""
        if self.inner.stdin is not None and not self.inner.stdin.is_closing():
            with suppress(ConnectionError):
                self.inner.stdin.write(json.dumps(message).encode() + b"\n")

    async def work(self, order: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Give one piece of work, and hear what is said of it, to its end."""
        self.send(order)
        assert self.inner.stdout is not None
        while line := await self.inner.stdout.readline():
            message: dict[str, Any] = json.loads(line)
            yield message
            if message["say"] in ENDS:
                self.done += 1
                return
        await self.close()  # nobody may take it for alive while it is going
        yield GONE

    def end(self) -> None:
        """End it now."""
        if self.alive:
            with suppress(ProcessLookupError):
                self.inner.kill()

    async def kill(self) -> None:
        """End it now, and wait until it has."""
        self.end()
        await self.inner.wait()

    async def close(self, *, patience: float = 5.0) -> None:
        """Let it save and leave; end it if it does not."""
        if self.inner.stdin is not None:
            self.inner.stdin.close()
        try:
            await asyncio.wait_for(self.inner.wait(), patience)
        except TimeoutError:
            await self.kill()


def checked(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message that ends a piece of work well.

    Raises:
        Refused: it failed; the code and the sentence are the worker's.
    """
    if message["say"] == "failed":
        raise Refused(message["code"], message["message"])
    return message


class Refused(RunError):  # noqa: N818 - reads as the sentence it prints
    """What a worker said of a failure."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
