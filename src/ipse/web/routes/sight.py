"""What is seen in a picture before anybody has asked for a restoration; and pictures to try."""

import asyncio
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse

from ipse.web.bounds import allowance
from ipse.web.errors import missing, responses
from ipse.web.examples import FILES, Example
from ipse.web.looking import kept, weight_of
from ipse.web.places import DRAFT, EXAMPLES
from ipse.web.records import PictureRecord
from ipse.web.routes.pictures import Name, known
from ipse.web.server import Reached, Server

router = APIRouter(prefix="/api/v1", tags=["pictures"])
ERRORS = responses(404, 415, 422, 500, 503, 507)


@router.post("/pictures/{name}/look", responses=ERRORS)
async def look(request: Request, server: Reached, name: Name) -> PictureRecord:
    """Look at the middle of a picture as ``enhance`` does, and for blur; it may take seconds. Disconnect to cancel."""
    picture = known(server, name)
    if picture.closer:
        return picture
    said = await asked(request, server, picture, {"kind": "closer", "quality": quality_of(picture)})
    now = known(server, name)
    server.store.put_picture(replace(now, found=(now.found or {}) | said["found"], closer=True))
    return known(server, name)


@router.post("/pictures/{name}/draft", responses=ERRORS)
async def draw(request: Request, server: Reached, name: Name) -> PictureRecord:
    """Draw a draft of the restored picture; ``draft`` says whether it differs from the picture."""
    picture = known(server, name)
    if picture.draft is not None:
        return picture
    order = {
        "kind": "draft",
        "folder": str(server.store.picture_folder(name)),
        "quality": quality_of(picture),
        "sigma": (picture.found or {}).get("sigma"),
    }
    said = await asked(request, server, picture, order)
    server.store.put_picture(replace(known(server, name), draft=said["draft"]))
    return known(server, name)


@router.get("/pictures/{name}/draft", response_class=FileResponse, responses=responses(404, 422))
async def draft(server: Reached, name: Name) -> FileResponse:
    """Return the draft as PNG, with at most 960 pixels a side."""
    known(server, name)
    path = server.store.picture_folder(name) / DRAFT
    if not path.exists():
        raise missing("a draft of picture", name)
    return FileResponse(path, media_type="image/png")


def quality_of(picture: PictureRecord) -> int | None:
    """The quality of a JPEG, if its tables are those of one."""
    quality = picture.about.get("JPEG quality")
    return quality if isinstance(quality, int) else None


async def asked(
    request: Request, server: Server, picture: PictureRecord, order: dict[str, Any]
) -> dict[str, Any]:
    """Let the worker of plans run an errand on a picture, as long as the client waits."""
    path = str(server.store.picture_path(picture.id))
    order |= {"source": path, "memory": allowance(weight_of(picture.about)), "names": {path: picture.name}}
    asking = asyncio.create_task(server.pool.plans.ask(order))
    return await kept(request, asking, leave=server.pool.plans.forsake)


@router.get("/examples/{name}", response_class=FileResponse, responses=responses(422, 500, 503))
async def example(server: Reached, name: Example) -> FileResponse:
    """Return a picture to try."""
    path = server.store.root / EXAMPLES / FILES[name]
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        await server.pool.gate.ask({"kind": "example", "name": name, "path": str(path)})
    return FileResponse(path, filename=FILES[name], media_type="application/octet-stream")
