"""A request's body ↦ a file, byte by byte, up to a limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from ipse.errors import PictureError
from ipse.web.store import fresh

NAME = 120  # characters of a name that are kept
LINGER = (
    10.0  # seconds for which the rest of a refused body is read: a browser hears no answer while it sends
)

STALL = 30.0  # seconds for which an upload may stand still …
SLOWEST = 1024  # … and bytes a second that it must have had before


class TooLarge(PictureError):  # noqa: N818 - reads as the sentence it prints
    """An upload with more bytes than are taken."""


class CutShort(PictureError):  # noqa: N818 - reads as the sentence it prints
    """An upload that ended before it was whole."""


class TooSlow(CutShort):
    """An upload that stood still."""


async def received(request: Request, folder: Path, *, limit: int) -> Path:
    """Write a request's body to a new file, and return its path.

    Args:
        request: the request; its body is the file's bytes.
        folder: where to put it.
        limit: bytes that are taken at most.

    Raises:
        TooLarge: it says, or has, more; what came is removed.
        CutShort: it ended early, or is empty; what came is removed.
    """
    path, stream = folder / fresh(), request.stream()
    try:
        await written(stream, path, said=request.headers.get("content-length", ""), limit=limit)
    except ClientDisconnect:
        path.unlink(missing_ok=True)
        raise CutShort("the connection ended before the upload was complete: send it again") from None
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, Exception) and not isinstance(error, TooSlow):  # else the server is ending
            await drained(stream)
        raise
    return path


async def written(stream: AsyncIterator[bytes], path: Path, *, said: str, limit: int) -> None:
    """Write a body, whose size was ``said``, to a new file.

    Raises:
        TooLarge: it says, or has, more bytes than the limit.
        CutShort: it ended early, or is empty.
    """
    if said.isdigit() and int(said) > limit:
        raise too_large(limit)
    count, began = 0, asyncio.get_running_loop().time()
    with path.open("xb") as file:
        while chunk := await next_chunk(stream, began + STALL + count / SLOWEST):
            count += len(chunk)
            if count > limit:
                raise too_large(limit)
            await asyncio.to_thread(file.write, chunk)
    if count == 0 or (said.isdigit() and count != int(said)):
        raise CutShort(f"{count} bytes arrived of {said or 'a file'}: send the file again")


async def next_chunk(stream: AsyncIterator[bytes], end: float) -> bytes:
    """Return what comes next; nothing at the end.

    Raises:
        TooSlow: nothing has come until then.
    """
    try:
        async with asyncio.timeout_at(end):
            async for chunk in stream:
                if chunk:
                    return chunk
    except TimeoutError:
        raise TooSlow("the upload was too slow: send it again") from None
    return b""


async def drained(stream: AsyncIterator[bytes]) -> None:
    """Read on, for a while, what nobody wants: an answer to one who still sends would be lost with the connection."""
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(LINGER):
            async for _ in stream:
                pass


def too_large(limit: int) -> TooLarge:
    """The refusal of an upload with too many bytes."""
    return TooLarge(
        f"the file has more than {limit >> 20} MiB: make it smaller, or restart the server with a larger --upload-limit"
    )


def safe_name(name: str) -> str:
    """Return a user's name for a file, for display: its last part, what can be printed of it, of bounded length."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return kept[-NAME:] or "picture"
