"""The page, its static files, and the data that it loads first."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from ipse.devices import versions
from ipse.web.errors import Problem
from ipse.web.form import form
from ipse.web.server import Reached

STATIC = Path(__file__).parent.parent / "static"
router = APIRouter()


@router.get("/", include_in_schema=False)
async def page(server: Reached) -> FileResponse:
    """The page."""
    server.pool.expect()
    return FileResponse(STATIC / "index.html")


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
