"""The page, its static files, and the data that it loads first."""

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from ipse.devices import versions
from ipse.web import metrics
from ipse.web.errors import Problem
from ipse.web.form import form
from ipse.web.server import Reached
from ipse.web.space import held_in

STATIC = Path(__file__).parent.parent / "static"
router = APIRouter()


@router.get("/", include_in_schema=False)
async def page(server: Reached) -> FileResponse:
    """The page."""
    server.pool.expect()
    return FileResponse(STATIC / "index.html")


@router.get("/health", include_in_schema=False)
async def health(server: Reached) -> Response:
    """Say whether the server takes work; it needs no token."""
    return PlainTextResponse(
        "ending" if server.pool.closed else "ok", status_code=503 if server.pool.closed else 200
    )


@router.get("/metrics", include_in_schema=False)
async def measured(server: Reached) -> Response:
    """What the server does, for Prometheus."""
    pool, queue = server.pool, server.queue
    workers = {"gate": pool.gate.process, "errands": pool.errands.process, "heavy": pool.heavy.process}
    workers |= {"plans": pool.plans.process}
    workers |= {f"fit {k}": one for k, one in enumerate(queue.processes.values())}
    kept = await asyncio.to_thread(held_in, server.store.root)
    text = metrics.text(server.counts, server.store, len(queue.waiting), workers, kept)
    return Response(text, media_type=metrics.KIND)


@router.get("/api", include_in_schema=False)
async def described() -> FileResponse:
    """The API's documentation page."""
    return FileResponse(STATIC / "api.html")


@router.get("/api/v1/tasks", tags=["tasks"], responses={401: {"model": Problem}})
async def tasks() -> list[dict[str, Any]]:
    """List the tasks with their options, defaults and help, the same as on the command line."""
    return form()


@router.get("/api/v1/about", tags=["tasks"])
async def about(server: Reached) -> dict[str, Any]:
    """Return the version and the server's limits."""
    limits = server.limits
    return {
        "version": versions().get("ipse"),
        "upload": limits.upload,
        "days": limits.days,
        "fits": limits.fits,
    }


def serve_files(app: FastAPI) -> None:
    """Add the page's files."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
