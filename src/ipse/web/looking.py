"""Receive and analyse uploads in workers, without delaying other requests."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request

from ipse.errors import IpseError
from ipse.web.bounds import allowance
from ipse.web.errors import missing
from ipse.web.pool import LONGEST, Pool
from ipse.web.records import PictureRecord
from ipse.web.store import Store

ASKED = 0.5  # seconds between two checks whether the client is still connected


class Looks:
    """The uploads that are being analysed.

    Args:
        store: where pictures are kept.
        pool: whose workers look.
    """

    def __init__(self, store: Store, pool: Pool) -> None:
        self.store, self.pool = store, pool
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def take(self, path: Path, name: str) -> PictureRecord:
        """Receive an upload and return its properties; its damage is analysed in the background.

        Raises:
            Refused: it is no picture that can be used; nothing of it is left.
        """
        try:
            weight = await self.weigh(path, name)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        picture = self.store.new_picture()
        read: asyncio.Future[PictureRecord] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self.look(picture, path, name, weight, read))
        self.tasks[picture] = task
        task.add_done_callback(lambda _: self.tasks.pop(picture, None))
        try:
            return await asyncio.shield(read)
        except asyncio.CancelledError:  # the client has disconnected
            await self.end(picture)
            self.store.drop_picture(picture)
            raise

    async def weigh(self, path: Path, name: str) -> int:
        """Return the decoded size of a picture in bytes, by its header.

        Raises:
            Refused: there are too many, or it is something else too.
        """
        said = await self.pool.gate.ask({"kind": "weigh", "path": str(path), "name": name})
        return said["weight"]

    async def look(
        self, picture: str, path: Path, name: str, weight: int, read: "asyncio.Future[PictureRecord]"
    ) -> None:
        """Let a worker analyse an upload."""
        order: dict[str, Any] = {
            "kind": "look",
            "folder": str(self.store.picture_folder(picture)),
            "path": str(path),
            "name": name,
            "memory": allowance(weight),
        }
        try:
            async for message in self.pool.lane(weight).errand(order):
                if message["say"] == "read":
                    record = PictureRecord(picture, name, message["file"], message["about"])
                    self.store.put_picture(record)
                    read.set_result(record)
                elif message["say"] == "found":
                    self.found(picture, message["found"])
        except IpseError as error:
            if read.done():
                with suppress(IpseError):  # the folder is gone or the disk is full, so it cannot be recorded
                    self.found(picture, {"noise": str(error)})
            else:
                self.store.drop_picture(picture)
                read.set_exception(error)
        finally:
            path.unlink(missing_ok=True)

    def found(self, picture: str, found: dict[str, Any]) -> None:
        """Record the damage found in a picture, if the picture still exists."""
        if picture in self.store.pictures:
            self.store.put_picture(replace(self.store.pictures[picture], found=found))

    async def drawn(self, picture: str) -> None:
        """Wait until the views of a picture are there, if they are on their way."""
        task = self.tasks.get(picture)
        if task is not None:
            await asyncio.wait({task}, timeout=LONGEST)

    async def end(self, picture: str) -> None:
        """Cancel the analysis of a picture that is being deleted."""
        task = self.tasks.get(picture)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def close(self) -> None:
        """Cancel all analyses."""
        for picture in list(self.tasks):
            await self.end(picture)


def weight_of(about: dict[str, Any]) -> int:
    """The decoded size of a picture in bytes, from its record."""
    return about["width"] * about["height"] * about["channels"] * np.dtype(about["depth"]).itemsize


async def kept(
    request: Request,
    work: "asyncio.Task[Any]",
    *,
    leave: Callable[["asyncio.Task[Any]"], object] | None = None,
) -> Any:
    """Wait for work as long as the client waits for its result.

    Args:
        request: the request whose answer it is.
        work: the work.
        leave: how it is given up; by default it is cancelled.

    Raises:
        HTTPException: nobody does any more.
    """
    while not (await asyncio.wait({work}, timeout=ASKED))[0]:
        if await request.is_disconnected():
            (leave or asyncio.Task.cancel)(work)
            raise missing("whoever asked for", request.url.path)
    return work.result()
