"""Exception ↦ HTTP status, error code and a one-line message, without a traceback."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from ipse.errors import IpseError, amiss, lack, one_line
from ipse.web.guard import plain_page, refused

STATUS = {
    "CutShort": 400,
    "TooSlow": 400,
    "TooLarge": 413,
    "TooManyPixels": 413,
    "PictureError": 415,
    "Polyglot": 415,
    "RunError": 500,
    "Gone": 500,
    "Ending": 503,
    "NotEnoughMemory": 507,
    "DiskFull": 507,
    "NoRoom": 507,
}
LONGEST = 400  # maximum length of a message
NOWHERE = plain_page('Nothing lies at this address. <a href="/">Open the page.</a>')
OTHERS = 422  # status of requests that were understood but cannot be carried out


class Problem(BaseModel):
    """The body of every error response."""

    code: str
    message: str


def missing(what: str, name: str) -> HTTPException:
    """The error for an unknown name."""
    return HTTPException(404, f"{what} {name!r} does not exist, or was deleted")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route, for its OpenAPI description."""
    schema = {
        "schema": {"$ref": "#/components/schemas/Problem"}
    }  # the errors of a streaming route are JSON too
    said = {"content": {"application/json": schema}}
    return {status: {"description": "Refused."} | said for status in statuses}


def shortened(text: str) -> str:
    """The message on one line, with limited length, because it may quote the request."""
    said = one_line(text)
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 100]} … {said[-90:]}"


def handle(app: FastAPI) -> None:
    """Register the error handlers with an application."""

    @app.exception_handler(IpseError)
    async def known(_request: Request, error: IpseError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        code = getattr(error, "code", type(error).__name__)
        code = "DiskFull" if "disk is full" in str(error) and code != "NoRoom" else code
        return refused(STATUS.get(code, OTHERS), code, shortened(str(error)))

    @app.exception_handler(HTTPException)
    async def by_status(request: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        if error.status_code == 404 and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(NOWHERE, status_code=404)
        return refused(error.status_code, "HTTP", str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return refused(422, "Malformed", shortened(f"{where}: {first['msg']}; see /api"))

    @app.exception_handler(OSError)
    async def place(_request: Request, error: OSError) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        said, place = lack(error), shortened(amiss(error) or str(error))
        answer = refused(500, "Place", place) if said is None else refused(507, "NoRoom", said)
        answer.headers["Connection"] = "close"  # stops the client from sending the rest of an upload
        return answer

    @app.exception_handler(Exception)
    async def unforeseen(_request: Request, error: Exception) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        said = lack(error)
        if said is None:
            logging.getLogger("ipse.web").exception("unforeseen", exc_info=error)
            unknown = "unexpected error: see the server's log for details"
            answer = refused(500, "Unforeseen", unknown)
        else:
            answer = refused(507, "NoRoom", said)
        answer.headers["Connection"] = "close"  # because the server closes the connection after such an error
        return answer
