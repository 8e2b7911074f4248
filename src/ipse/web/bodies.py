"""Middleware that reads request bodies completely, within limits of size and time, before they are processed."""

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ipse.web.guard import refused

MOST = 64 << 10  # maximum size in bytes of a request that is not a file
LONGEST = 10.0  # timeout in seconds for such a request to arrive
FILES = ("/api/v1/pictures", "/masks")  # endings of the paths to which files are sent


@dataclass(frozen=True)
class Bodies:
    """ASGI middleware that limits requests, except file uploads, which are limited while they stream."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the request's body, then pass it on."""
        file = scope["type"] != "http" or (scope["method"] == "POST" and scope["path"].endswith(FILES))
        if file or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(read(receive), LONGEST)
        except TimeoutError:
            answer = refused(
                408, "TooSlow", f"the request did not arrive within {LONGEST:.0f} s: send it again"
            )
            await answer(scope, receive, send)
            return
        if body is None:
            answer = refused(413, "TooLarge", f"the request has more than {MOST >> 10} KiB: make it shorter")
            await answer(scope, receive, send)
            return
        told: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return told.pop() if told else await receive()

        await self.app(scope, again, send)


async def read(receive: Receive) -> bytes | None:
    """The complete body; None if it is too large."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST:
            return None
    return body
