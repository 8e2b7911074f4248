"""Close idle connections after a timeout, so that they cannot exhaust the server's connections."""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 10.0  # timeout in seconds for the head of a request
FILES = 4096  # number of open files, including connections, that the process asks the system for


class Patient(H11Protocol):
    """The HTTP protocol with a timeout for the head of each request."""

    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the timeout for the first request."""
        super().connection_made(transport)
        self.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        self.rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Keep the timeout running while the head is incomplete; further bytes do not extend it."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self.rest()
        elif self.late is None and data:
            self.wait()

    def wait(self) -> None:
        """Close the connection if the head does not arrive in time."""
        self.late = self.loop.call_later(HEAD, self.give_up)

    def give_up(self) -> None:
        """Close a connection that is waiting for a request."""
        self.late = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.abort()

    def rest(self) -> None:
        """Cancel the timer."""
        if self.late is not None:
            self.late.cancel()
            self.late = None


def open_more() -> None:
    """Raise this process's limit of open files, up to ``FILES``."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
