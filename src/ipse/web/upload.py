"""Stream a request's body to a file, up to a limit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from ipse.errors import PictureError
from ipse.web.store import fresh

NAME = 120  # maximum length of a name
DEEP = 8  # maximum number of folders that are kept
LINGER = 10.0  # seconds for which the rest of a rejected body is read, since browsers read no response while sending

STALL = 30.0  # seconds for which an upload may stall
SLOWEST = 1024  # minimum speed in bytes per second that extends this time


class TooLarge(PictureError):  # noqa: N818 - the name already states the error
    """An upload exceeds the size limit."""


class CutShort(PictureError):  # noqa: N818 - the name already states the error
    """An upload ended before it was complete."""


class TooSlow(CutShort):
    """An upload stalled."""


async def received(request: Request, folder: Path, *, limit: int) -> Path:
    """Write a request's body to a new file, and return its path.

    Args:
        request: the request; its body is the file's bytes.
        folder: folder for the file.
        limit: maximum size in bytes.

    Raises:
        TooLarge: the declared or actual size exceeds the limit; the file is removed.
        CutShort: the body is incomplete or empty; the file is removed.
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
        TooLarge: the declared or actual size exceeds the limit.
        CutShort: the body is incomplete or empty.
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
    """Return the next chunk; empty at the end.

    Raises:
        TooSlow: nothing arrived in time.
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
    """Read and discard the rest for a while, because a client that is still sending would miss the response."""
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(LINGER):
            async for _ in stream:
                pass


def too_large(limit: int) -> TooLarge:
    """The error for an upload that is too large."""
    return TooLarge(
        f"the file has more than {limit >> 20} MiB: make it smaller, or restart the server with a larger --upload-limit"
    )


def safe_folder(path: str) -> str:
    """Return the folders of a relative path, for an archive: each a safe name, none that leads upwards."""
    parts = [
        safe_name(part)
        for part in path.replace("\\", "/").replace(":", "").split("/")[:-1]
        if part.strip(" .")
    ]
    return "/".join(parts[-DEEP:])


def safe_name(name: str) -> str:
    """Return a file name for display: the last component, printable characters only, with limited length."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return kept[-NAME:] or "picture"
