"""Jobs: submit, watch, control and delete them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from ipse.errors import OptionError
from ipse.runs.job import default_target
from ipse.web import recipe as recipes
from ipse.web.errors import missing, responses
from ipse.web.form import check_task, told_options, told_settings
from ipse.web.looking import kept
from ipse.web.records import JobRecord, body_of
from ipse.web.routes.pictures import FORGET, Name
from ipse.web.server import Reached, Server
from ipse.web.space import check_space
from ipse.web.store import used_by

router = APIRouter(prefix="/api/v1", tags=["jobs"])
SMALLEST = 32  # minimum side of a region, in pixels


class Wanted(BaseModel, extra="forbid"):
    """A request for a job."""

    picture: str = Field(description="ID of an uploaded picture.")
    task: str = Field(description="Name of a task; see /api/v1/tasks.")
    options: dict[str, Any] = Field(default={}, description='The task\'s own; a file is {"picture": id}.')
    settings: dict[str, Any] = Field(default={}, description="Settings that all tasks share.")
    region: list[int] | None = Field(
        default=None,
        min_length=4,
        max_length=4,
        description="Left, top, width and height as displayed; restores only this part.",
    )


@dataclass(frozen=True, kw_only=True)
class JobView(JobRecord):
    """A job, and its position in the queue."""

    position: int | None


def known(server: Server, name: str) -> JobRecord:
    """Return the job with the given ID.

    Raises:
        HTTPException: there is no such job.
    """
    if name not in server.store.jobs:
        raise missing("job", name)
    return server.store.jobs[name]


def viewed(server: Server, job: JobRecord, *, curve: bool = True) -> JobView:
    """Return a job in the format of a response."""
    body: dict[str, Any] = vars(job) | ({} if curve else {"curve": []})
    return JobView(**body, position=server.queue.place(job.id))


def checked(server: Server, wanted: Wanted, *, begun: bool = True) -> JobRecord:
    """Return the requested job, validated but not yet created. Unless ``begun``, it may lack a mask.

    Raises:
        OptionError: an unknown picture, task or option, or an invalid value.
    """
    pictures = server.store.pictures
    check_task(wanted.task, piece=wanted.region is not None)
    options = told_options(wanted.task, wanted.options, painted=begun)
    told_settings(wanted.settings)
    files = [value["picture"] for value in options.values() if isinstance(value, dict)]
    for name in (wanted.picture, *files):
        if name not in pictures:
            raise OptionError(f"picture {name!r} does not exist: upload it first")
    picture = pictures[wanted.picture]
    region = wanted.region and within(wanted.region, picture.about["width"], picture.about["height"])
    return JobRecord(
        "", picture.id, picture.name, wanted.task, wanted.settings, options, region, created=time.time()
    )


def within(region: list[int], width: int, height: int) -> list[int]:
    """Validate a region, which must lie within the picture.

    Raises:
        OptionError: it does not, or is too small.
    """
    left, top, across, down = region
    inside = left >= 0 and top >= 0 and left + across <= width and top + down <= height
    if not inside or across < min(SMALLEST, width) or down < min(SMALLEST, height):
        wanted = f"within {width}×{height}, {SMALLEST} or more a side"
        raise OptionError(f"region {region} does not fit: give left, top, width, height {wanted}")
    return region


@router.post("/jobs", status_code=201, responses=responses(400, 422, 507))
async def submit(server: Reached, wanted: Wanted, response: Response) -> JobView:
    """Submit a job to the queue."""
    job = checked(server, wanted)
    await check_space(server.store.root, server.limits.space)
    about = server.store.pictures[job.picture].about
    samples = about["width"] * about["height"] * about["channels"]
    await server.pool.gate.ask(server.queue.order(job) | {"kind": "check", "samples": samples})
    name = server.store.new_job()
    server.queue.submit(replace(job, id=name))
    response.headers["Location"] = f"/api/v1/jobs/{name}"
    return viewed(server, known(server, name))


@router.post("/plan", responses=responses(400, 415, 422, 500, 503, 507))
async def plan(request: Request, server: Reached, wanted: Wanted) -> dict[str, Any]:
    """Estimate the seconds, bytes and tiles of a job. Disconnect to cancel."""
    job = checked(server, wanted, begun=False)
    asking = asyncio.create_task(server.pool.plans.ask(server.queue.order(job) | {"kind": "plan"}))
    return (await kept(request, asking, leave=server.pool.plans.forsake))["plan"]


class Recipe(BaseModel):
    """How to make the same file without the page."""

    command: str
    python: str
    files: list[str] = Field(description="The files that both read, by name.")


@router.post("/recipe", responses=responses(400, 422))
async def recipe(server: Reached, wanted: Wanted) -> Recipe:
    """Return a job as a command and as Python. A region is left out: both restore the whole picture."""
    job = checked(server, wanted)
    pictures, told = server.store.pictures, dict[str, Any]()
    for key, value in job.options.items():
        told[key] = pictures[value["picture"]].name if isinstance(value, dict) else value
    kind = default_target(job.task, server.store.picture_path(job.picture)).suffix
    target = recipes.target(job.name, kind)
    said = (job.task, job.name, target, told, job.settings)
    files = [job.name, *(pictures[name].name for name in sorted(used_by(job) - {job.picture}))]
    return Recipe(command=recipes.command(*said), python=recipes.python(*said), files=files)


@router.get("/jobs")
async def listed(server: Reached) -> list[JobView]:
    """List all jobs, the oldest first, without their curves."""
    return [viewed(server, job, curve=False) for job in server.store.jobs.values()]


@router.get("/jobs/{name}", responses=responses(404, 422))
async def about(server: Reached, name: Name) -> JobView:
    """Return the state of a job."""
    return viewed(server, known(server, name))


@router.post("/jobs/{name}/pause", status_code=202, responses=responses(404, 422))
async def pause(server: Reached, name: Name) -> JobView:
    """Pause a job after its current step; the next one in the queue starts."""
    known(server, name)
    server.queue.pause(name)
    return viewed(server, known(server, name))


@router.post("/jobs/{name}/resume", status_code=202, responses=responses(404, 422))
async def resume(server: Reached, name: Name) -> JobView:
    """Resume a paused job."""
    known(server, name)
    server.queue.resume(name)
    return viewed(server, known(server, name))


@router.post("/jobs/{name}/stop", status_code=202, responses=responses(404, 422))
async def stop(server: Reached, name: Name) -> JobView:
    """Stop a job and keep the best result so far."""
    known(server, name)
    server.queue.stop(name)
    return viewed(server, known(server, name))


@router.post("/jobs/{name}/cancel", status_code=202, responses=responses(404, 422))
async def cancel(server: Reached, name: Name) -> JobView:
    """Cancel a job at once; only its last preview is kept."""
    known(server, name)
    await server.queue.cancel(name)
    return viewed(server, known(server, name))


@router.delete("/jobs/{name}", status_code=204, responses=responses(404, 422))
async def delete(server: Reached, name: Name, response: Response) -> None:
    """Delete a job and its files; a running one is cancelled."""
    known(server, name)
    response.headers.update(FORGET)
    await server.queue.cancel(name)
    server.store.drop_job(name)
    server.hub.changed(name)


def event(server: Server, name: str | None) -> ServerSentEvent:
    """Return the event for a listener: the job's state or its deletion, or a comment if nothing has happened."""
    if name is None:
        return ServerSentEvent(comment="still here")
    job = server.store.jobs.get(name)
    if job is None:
        return ServerSentEvent(event="gone", data={"id": name})
    body = body_of(job) | {"curve": [], "position": server.queue.place(name)}
    return ServerSentEvent(event="job", data=body)


@router.get("/events", response_class=EventSourceResponse)
async def events(server: Reached) -> AsyncIterator[ServerSentEvent]:
    """Stream all jobs as they change."""
    with server.hub.listening() as listener:
        yield ServerSentEvent(comment="all jobs")
        while not server.hub.closed:
            for name in await listener.next():
                yield event(server, name)


def present(server: Reached, name: Name) -> str:
    """Return a job's ID; checks that the job exists before its stream begins."""
    return known(server, name).id


@router.get("/jobs/{name}/events", response_class=EventSourceResponse, responses=responses(404, 422))
async def watched(server: Reached, name: Annotated[str, Depends(present)]) -> AsyncIterator[ServerSentEvent]:
    """Stream the changes of one job until it ends."""
    with server.hub.listening() as listener:
        yield event(server, name)
        while not ended(server, name) and not server.hub.closed:
            for heard in await listener.next():
                if heard in (name, None):
                    yield event(server, heard)


def ended(server: Server, name: str) -> bool:
    """Whether a job will not change any more."""
    job = server.store.jobs.get(name)
    return job is None or job.over
