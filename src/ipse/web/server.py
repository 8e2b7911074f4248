"""The parts of a server, put together: what its routes reach."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request

from ipse.web.hub import Hub
from ipse.web.pool import Pool
from ipse.web.process import Refused
from ipse.web.queue import Queue
from ipse.web.records import PictureRecord
from ipse.web.store import Store

HOUR = 3600.0


@dataclass(frozen=True)
class Limits:
    """What a server takes and keeps."""

    upload: int = 512 << 20  #: bytes of a file
    days: float = 30.0  #: for which jobs that ended, and unused pictures, are kept
    fits: int = 1  #: at a time


class Server:
    """Store, workers, queue and listeners of one running server.

    Args:
        folder: where pictures and jobs are kept.
        limits: what is taken and kept.
    """

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.store, self.pool, self.hub = Store(folder), Pool(), Hub()
        self.queue = Queue(self.store, self.pool, self.hub, limit=self.limits.fits)
        self.looks: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Start what runs beside the routes; end it so that all can go on later."""
        self.pool.warm()
        self.queue.revive()
        reclaiming = asyncio.create_task(self.reclaim())
        try:
            yield
        finally:
            reclaiming.cancel()
            with suppress(asyncio.CancelledError):
                await reclaiming
            self.leave()
            for look in self.looks.values():
                look.cancel()
            await asyncio.gather(*self.looks.values(), return_exceptions=True)
            await self.queue.close()
            await self.pool.close()
            self.store.close()

    def leave(self) -> None:
        """End what others wait for: streams and errands."""
        self.hub.close()
        self.pool.leave()

    async def reclaim(self) -> None:
        """Remove what is old, now and every hour."""
        while True:
            for name in self.store.reclaim(days=self.limits.days):
                self.hub.changed(name)
            await asyncio.sleep(HOUR)

    async def looked(self, path: Path, name: str) -> PictureRecord:
        """Take an upload in: return what the file is; what is wrong with it is found out meanwhile.

        Raises:
            Refused: it is no picture that can be used; nothing of it is left.
        """
        picture = self.store.new_picture()
        read: asyncio.Future[PictureRecord] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self.look(picture, path, name, read))
        self.looks[picture] = task
        task.add_done_callback(lambda _: self.looks.pop(picture, None))
        return await read

    async def look(self, picture: str, path: Path, name: str, read: "asyncio.Future[PictureRecord]") -> None:
        """Have a worker look at an upload."""
        folder = self.store.picture_folder(picture)
        order: dict[str, Any] = {"kind": "look", "folder": str(folder), "path": str(path), "name": name}
        try:
            async for message in self.pool.errands.errand(order):
                if message["say"] == "read":
                    record = PictureRecord(picture, name, message["file"], message["about"])
                    self.store.put_picture(record)
                    read.set_result(record)
                elif picture in self.store.pictures:
                    self.found(picture, message["found"])
        except Refused as refusal:
            if read.done():
                self.found(picture, {"noise": str(refusal)})
            else:
                self.store.drop_picture(picture)
                read.set_exception(refusal)
        finally:
            path.unlink(missing_ok=True)

    def found(self, picture: str, found: dict[str, Any]) -> None:
        """Note what is wrong with a picture, if it is still there."""
        if picture in self.store.pictures:
            self.store.put_picture(replace(self.store.pictures[picture], found=found))


def server_of(request: Request) -> Server:
    """Return the server that a request has reached."""
    found: Server = request.app.state.server
    return found


Reached = Annotated[Server, Depends(server_of)]
