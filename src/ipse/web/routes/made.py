"""The output of a job: previews, points of its trajectory, the result and its receipt."""

import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, Response, StreamingResponse

from ipse.pictures.tiling import enlargement
from ipse.runs.disagreement import places
from ipse.runs.receipt import beside
from ipse.web.archive import distinct, zipped
from ipse.web.bounds import allowance
from ipse.web.errors import missing, responses
from ipse.web.looking import weight_of
from ipse.web.places import BEFORE, PREVIEW, REMOVED, VIEW, point_name
from ipse.web.records import JobRecord
from ipse.web.routes.jobs import known
from ipse.web.routes.pictures import Name, shown, shown_small
from ipse.web.server import Reached, Server

router = APIRouter(prefix="/api/v1/jobs/{name}", tags=["results"])
together = APIRouter(prefix="/api/v1", tags=["results"])
MOST = 1000  # maximum number of results in an archive
Chosen = Annotated[list[str], Query(min_length=1, max_length=MOST, description="IDs of jobs.")]
Step = Annotated[
    int | None, Query(ge=0, description="A point of the trajectory to use instead of the chosen one.")
]


@router.get("/preview", response_class=Response, responses=responses(404, 422))
async def preview(server: Reached, name: Name) -> Response:
    """Return the job's latest preview as PNG, with at most 1280 pixels a side."""
    known(server, name)
    try:  # read it completely, because the next preview replaces the file
        picture = (server.store.job_folder(name) / PREVIEW).read_bytes()
    except FileNotFoundError:
        raise missing("a preview of job", name) from None
    return Response(picture, media_type="image/png")


@router.get("/before", response_class=FileResponse, responses=responses(404, 422))
async def before(server: Reached, name: Name) -> FileResponse:
    """Return the job's input: the picture, or the region of a trial."""
    job = known(server, name)
    if job.region is not None:
        return shown(server.store.job_folder(name) / BEFORE)
    return shown(server.store.picture_folder(job.picture) / VIEW)


@router.get("/view", response_class=FileResponse, responses=responses(404, 422))
async def view(server: Reached, name: Name) -> FileResponse:
    """Return a view of the result as PNG: upright, 8 bits, full resolution."""
    finished(server, name)
    return shown(server.store.job_folder(name) / VIEW)


@router.get("/thumb", response_class=FileResponse, responses=responses(404, 422))
async def thumb(server: Reached, name: Name) -> FileResponse:
    """Return a small view of the result as PNG, with at most 256 pixels a side."""
    finished(server, name)
    return shown_small(server.store.job_folder(name))


@router.get("/points/{step}", response_class=FileResponse, responses=responses(404, 422))
async def point(server: Reached, name: Name, step: int) -> FileResponse:
    """Return a point of the fit's trajectory as PNG."""
    if step not in finished(server, name).points:
        raise missing("point", str(step))
    return shown(server.store.job_folder(name) / point_name(step))


@router.get("/result", response_class=FileResponse, responses=responses(404, 415, 422, 500, 507))
async def result(server: Reached, name: Name, step: Step = None) -> FileResponse:
    """Return the result's file with all metadata of the picture, or another point of the trajectory as such a file."""
    job = finished(server, name)
    return FileResponse(await place_of(server, job, step), filename=saved_as(job, step))


async def place_of(server: Server, job: JobRecord, step: int | None) -> Path:
    """The file of the result, or of another point of its trajectory, which a worker writes on the first request."""
    path = server.store.job_folder(job.id) / str(job.result)
    if step is None or step == job.chosen:
        return path
    if step not in job.points:
        raise missing("point", str(step))
    target = path.with_name(f"picked-{step}{path.suffix}")
    if not target.exists():
        await picked(server, job, step, path, target)
    return target


async def picked(server: Server, job: JobRecord, step: int, path: Path, target: Path) -> None:
    """Let a worker write another point of the trajectory."""
    source = server.store.picture_path(job.picture)
    order: dict[str, Any] = {
        "kind": "pick",
        "source": str(source),
        "result": str(path),
        "target": str(target),
        "step": step,
    }
    weight = weight_of(server.store.pictures[job.picture].about)
    order["memory"] = allowance(weight * enlargement(job.options) ** 2)
    await server.pool.lane(weight).ask(order | {"names": {str(source): job.name, str(path): saved_as(job)}})


@router.get("/receipt", responses=responses(404, 415, 422, 500, 507))
async def receipt(server: Reached, name: Name, step: Step = None) -> Response:
    """Return the receipt of the result or of another point. It uses the user's names, to be saved beside the files."""
    job = finished(server, name)
    path = await place_of(server, job, step)
    if not beside(path).exists():
        raise missing("a receipt of the trial", name)
    text = beside(path).read_text(encoding="utf-8")
    whole = str(server.store.job_folder(name) / str(job.result))
    names = server.queue.names(job) | {str(path): saved_as(job, step), whole: saved_as(job)}
    for place, called in names.items():
        text = text.replace(json.dumps(place)[1:-1], json.dumps(called, ensure_ascii=False)[1:-1])
    called = quote(beside(Path(saved_as(job, step))).name)
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{called}"}
    return Response(text, media_type="application/json", headers=headers)


@router.get("/disagreement", response_class=FileResponse, responses=responses(404, 422))
async def disagreement(server: Reached, name: Name) -> FileResponse:
    """Return the map of where several seeds disagree, as PNG."""
    job = finished(server, name)
    return shown(places(server.store.job_folder(name) / str(job.result))[1])


@router.get("/removed", response_class=FileResponse, responses=responses(404, 422))
async def what_was_removed(server: Reached, name: Name) -> FileResponse:
    """Return what the result has less than the picture, amplified around gray, as PNG."""
    finished(server, name)
    return shown(server.store.job_folder(name) / REMOVED)


@together.get("/archive", response_class=StreamingResponse, responses=responses(404, 422))
async def archive(server: Reached, job: Chosen) -> StreamingResponse:
    """Return the results of several jobs as one ZIP, in the folders that the pictures came from."""
    jobs = [finished(server, name) for name in dict.fromkeys(job)]
    names = [f"{server.store.pictures[one.picture].folder}/{saved_as(one)}".lstrip("/") for one in jobs]
    paths = [server.store.job_folder(one.id) / str(one.result) for one in jobs]
    files = zip(distinct(names), paths, strict=True)
    headers = {"Content-Disposition": 'attachment; filename="ipse.zip"'}
    return StreamingResponse(zipped(files), media_type="application/zip", headers=headers)


def finished(server: Server, name: str) -> JobRecord:
    """Return a job that has a result.

    Raises:
        HTTPException: there is no such job, or it has no result.
    """
    job = known(server, name)
    if job.result is None:
        raise missing("a result of job", name)
    return job


def saved_as(job: JobRecord, step: int | None = None) -> str:
    """The file name for saving a result, as the command would choose it; for another point, with its strength."""
    stem, suffix = Path(job.name).stem, Path(str(job.result)).suffix
    if step is None or step == job.chosen or step not in job.points:
        return f"{stem}_ipse{suffix}"
    share = 1 - job.points.index(step) / (len(job.points) - 1)
    return f"{stem}_ipse_strength-{round(100 * share)}{suffix}"
