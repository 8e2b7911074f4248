"""Update a job's record from a worker's message."""

import time
from dataclasses import replace
from typing import Any

from ipse.web.records import JobRecord, Progress, extended


def stepped(job: JobRecord, message: dict[str, Any]) -> JobRecord:
    """The job after a step."""
    told = {key: message[key] for key in ("step", "steps", "loss", "score", "left", "share", "tile", "tiles")}
    point = [message["step"], message["loss"], message["score"]]
    return replace(job, progress=replace(job.progress, **told), curve=extended(job.curve, point))


def estimated(job: JobRecord, message: dict[str, Any]) -> JobRecord:
    """The job after a first estimate or a refinement."""
    told = {key: message[key] for key in ("tile", "tiles", "left", "share")}
    return replace(job, progress=replace(job.progress, pilots=message["index"], **told))


def ended(job: JobRecord, message: dict[str, Any]) -> JobRecord:
    """The job after its end."""
    progress: Progress = replace(job.progress, writing=False)
    job = replace(job, ended=time.time(), progress=progress)
    if message["say"] == "failed":
        return replace(job, state="failed", error=message["message"])
    parts = ("result", "size", "points", "chosen", "disagreement", "removed", "receipt")
    made = {key: message[key] for key in parts}
    return replace(job, state="done", estimates=message["receipt"]["estimates"], **made)
