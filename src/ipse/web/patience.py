"""Connections on which nobody speaks: closed after a while, so that they cost nobody else one."""

import asyncio
import sys
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD = 10.0  # seconds in which the head of a request must have come
FILES = 4096  # that the process may hold open, where the system lets it: connections are some of them


class Patient(H11Protocol):
    """HTTP on a connection whose next request must come whole, and soon."""

    late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self.wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self.rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on waiting as long as there is only part of a head; more bytes of it gain no time."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self.rest()
        elif self.late is None and data:
            self.wait()

    def wait(self) -> None:
        """Close the connection if the head does not come."""
        self.late = self.loop.call_later(HEAD, self.give_up)

    def give_up(self) -> None:
        """Close a connection that waits for a request."""
        self.late = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.abort()

    def rest(self) -> None:
        """Stop the clock."""
        if self.late is not None:
            self.late.cancel()
            self.late = None


def open_more() -> None:
    """Let this process hold as many files and connections as it may, up to a number."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
