"""The server as an ASGI application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ipse.devices import versions
from ipse.web.bodies import Bodies
from ipse.web.errors import handle
from ipse.web.guard import LOOPBACK, Guard
from ipse.web.routes import jobs, made, pages, pictures, sight
from ipse.web.server import Server


def application(server: Server, *, token: str | None = None, hosts: tuple[str, ...] = LOOPBACK) -> Guard:
    """Return the application of a server.

    Args:
        server: the server's components.
        token: the token that requests must have; None if none is required.
        hosts: allowed host names of a server without a token.
    """
    app = routed()
    app.state.server = server
    return Guard(Bodies(app), hosts if token is None else None, token)


def routed() -> FastAPI:
    """Return the routes, which use ``app.state.server``."""
    app = FastAPI(
        title="ipse",
        version=versions().get("ipse", "0"),
        description="Restore a picture from itself.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=running,
    )
    for router in (*(part.router for part in (pages, pictures, sight, jobs, made)), made.together):
        app.include_router(router)
    pages.serve_files(app)
    handle(app)
    return app


@asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[None]:
    """Start and stop the background tasks."""
    server: Server = app.state.server
    async with server.running():
        yield
