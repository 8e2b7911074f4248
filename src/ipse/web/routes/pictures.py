"""Pictures and masks: upload, view and delete them."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.responses import FileResponse

from ipse.web.bounds import allowance
from ipse.web.errors import missing, responses
from ipse.web.looking import kept, weight_of
from ipse.web.places import THUMB, VIEW
from ipse.web.records import PictureRecord
from ipse.web.server import Reached, Server
from ipse.web.space import check_space
from ipse.web.upload import received, safe_folder, safe_name

Name = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The picture's ID.")]
Called = Annotated[
    str, Query(max_length=300, description="Name of the file, used for display and saving only.")
]
Placed = Annotated[
    str, Query(max_length=2000, description="Path within a folder of several; kept in an archive.")
]
Polarity = Literal["auto", "white-is-hole", "white-is-known"]
Damage = Literal["scratches", "dust"]

FORGET = {"Clear-Site-Data": '"cache"'}  # browsers cache views for a day
LOOKING = 60.0  # seconds that a request waits for the analysis
SOON = 0.05  # seconds between two looks whether it is there
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

router = APIRouter(prefix="/api/v1/pictures", tags=["pictures"])


def known(server: Server, name: str) -> PictureRecord:
    """Return the picture with the given ID.

    Raises:
        HTTPException: there is no such picture.
    """
    if name not in server.store.pictures:
        raise missing("picture", name)
    return server.store.pictures[name]


@router.post("", status_code=201, openapi_extra=BODY, responses=responses(400, 413, 415, 422, 507))
async def upload(
    request: Request, server: Reached, name: Called = "picture", path: Placed = ""
) -> PictureRecord:
    """Upload a picture or a mask; the request's body is the file."""
    file = await sent(request, server)
    took = await kept(request, asyncio.create_task(server.looks.take(file, safe_name(name))))
    if path and took.id in server.store.pictures:
        took = replace(server.store.pictures[took.id], folder=safe_folder(path))
        server.store.put_picture(took)
    return took


async def sent(request: Request, server: Server) -> FilePath:
    """Receive a file, if there is room for it."""
    said = request.headers.get("content-length", "")
    coming = min(int(said[:20]), server.limits.upload) if said.isdigit() else 0
    await check_space(server.store.root, server.limits.space, coming)
    return await received(request, server.store.root / "incoming", limit=server.limits.upload)


@router.get("")
async def listed(server: Reached) -> list[PictureRecord]:
    """List the pictures, the oldest first."""
    return [one for one in server.store.pictures.values() if one.mask_of is None]


@router.get("/{name}", responses=responses(404, 422))
async def about(server: Reached, name: Name, wait: bool = False) -> PictureRecord:
    """Return a picture's properties and the damage found; with ``wait``, wait for the analysis."""
    end = time.monotonic() + LOOKING
    while (
        wait and known(server, name).found is None and name in server.looks.tasks and time.monotonic() < end
    ):
        await asyncio.sleep(SOON)
    return known(server, name)


@router.get("/{name}/view", response_class=FileResponse, responses=responses(404, 422))
async def view(server: Reached, name: Name) -> FileResponse:
    """Return a view of a picture as PNG: upright, 8 bits."""
    known(server, name)
    await server.looks.drawn(name)
    return shown(server.store.picture_folder(name) / VIEW)


@router.get("/{name}/thumb", response_class=FileResponse, responses=responses(404, 422))
async def thumb(server: Reached, name: Name) -> FileResponse:
    """Return a small view of a picture as PNG, with at most 256 pixels a side."""
    known(server, name)
    await server.looks.drawn(name)
    return shown_small(server.store.picture_folder(name))


@router.get("/{name}/file", response_class=FileResponse, responses=responses(404, 422))
async def file(server: Reached, name: Name) -> FileResponse:
    """Return the stored file."""
    picture = known(server, name)
    if not server.store.picture_path(name).exists():
        raise missing("picture", name)
    return FileResponse(
        server.store.picture_path(name), filename=picture.name, media_type="application/octet-stream"
    )


@router.post(
    "/{name}/masks", status_code=201, openapi_extra=BODY, responses=responses(400, 404, 413, 415, 422, 507)
)
async def mask(
    request: Request, server: Reached, name: Name, painted: bool = False, polarity: Polarity = "auto"
) -> PictureRecord:
    """Create a mask for a picture, in which white marks the pixels to fill. The body is a picture of the mask.

    A ``painted`` mask refers to the upright view and can have any size. Any other is read as on the command line, by
    ``polarity``.
    """
    picture = known(server, name)
    path = await sent(request, server)
    try:
        making = made(server, picture, path, painted=painted, polarity=polarity)
        return await kept(request, asyncio.create_task(making))
    finally:
        path.unlink(missing_ok=True)


@router.post("/{name}/found", status_code=201, responses=responses(400, 404, 415, 422, 500, 503, 507))
async def found(
    request: Request, server: Reached, name: Name, what: Damage, response: Response
) -> PictureRecord | None:
    """Find scratches or dust as ``inpaint --find`` does, and return them as a mask; null if nothing is sure."""
    picture = known(server, name)
    await check_space(server.store.root, server.limits.space)
    making = written(server, picture, {"kind": "search", "what": what}, weight_of(picture.about))
    made = await kept(request, asyncio.create_task(making))
    response.status_code = 200 if made is None else 201
    return made


async def made(
    server: Server, picture: PictureRecord, path: FilePath, *, painted: bool, polarity: Polarity
) -> PictureRecord | None:
    """Let a worker write the file of a mask that was sent."""
    weight = max(await server.looks.weigh(path, "the mask"), weight_of(picture.about))
    order = {"kind": "mask", "path": str(path), "painted": painted, "polarity": polarity}
    return await written(server, picture, order | {"names": {str(path): "the mask"}}, weight)


async def written(
    server: Server, picture: PictureRecord, order: dict[str, Any], weight: int
) -> PictureRecord | None:
    """Let a worker write the mask of a picture; None if there is nothing to mark."""
    new, place = server.store.new_picture(), str(server.store.picture_path(picture.id))
    order = order | {"names": order.get("names", {}) | {place: picture.name}, "memory": allowance(weight)}
    order |= {"picture": place, "folder": str(server.store.picture_folder(new))}
    try:
        said = await server.pool.lane(weight).ask(order)
    except BaseException:
        server.store.drop_picture(new)
        raise
    if said["file"] is None:
        server.store.drop_picture(new)
        return None
    name = f"{FilePath(picture.name).stem}-mask.png"
    record = PictureRecord(new, name, said["file"], picture.about, mask_of=picture.id)
    record = replace(record, said=said["said"], share=said["share"])
    server.store.put_picture(record)
    return record


@router.delete("/{name}", status_code=204, responses=responses(404, 422))
async def delete(server: Reached, name: Name, response: Response) -> None:
    """Delete a picture with its masks and jobs, also from the browser's cache."""
    known(server, name)
    response.headers.update(FORGET)
    await server.looks.end(name)
    jobs = server.queue.on(name)
    for job in jobs:
        await server.queue.cancel(job)
    server.store.drop_picture(name)
    for job in jobs:
        server.hub.changed(job)


def shown(path: FilePath) -> FileResponse:
    """Return a view, which never changes under its URL."""
    if not path.exists():
        raise missing("view", path.stem)
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


def shown_small(folder: FilePath) -> FileResponse:
    """Return the thumbnail in a folder; folders of earlier versions have only the view."""
    small = folder / THUMB
    return shown(small if small.exists() else folder / VIEW)
