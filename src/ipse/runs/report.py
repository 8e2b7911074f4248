"""(job, stream, result) ↦ Receipt."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse import devices
from ipse.pictures import Picture
from ipse.pictures.residual import Residual
from ipse.runs import disagreement, removed
from ipse.runs.job import Job
from ipse.runs.receipt import Receipt, plain, sha256_of_samples

if TYPE_CHECKING:
    from ipse.streams.stream import Result, Stream


@dataclass(frozen=True)
class Facts:
    """Facts about a run, besides its job, stream and result."""

    options: Mapping[str, Any]  #: the task's options, with files by path and hash
    input_sha256: str
    seconds: float  #: total time
    step: int  #: the step that was written, which may depend on ``strength``
    snapshots: Path | None  #: path of the trajectory
    cancelled: bool  #: whether the user ended it
    residual: Residual | None = None  #: what was removed, if the whole result has the picture's size


def report(
    job: Job, stream: "Stream", result: "Result", facts: Facts, *, output_sha256: str, pixels_sha256: str
) -> Receipt:
    """Return the receipt of a run.

    Args:
        job: the job.
        stream: the finished restoration.
        result: its result.
        facts: further facts about the run.
        output_sha256: of the file that was written.
        pixels_sha256: of what is seen in it.
    """
    return Receipt(
        **asked(job, facts.options, facts.input_sha256),
        **came(job, stream, result, facts),
        **computed(job),
        output_sha256=output_sha256,
        pixels_sha256=pixels_sha256,
        cancelled=facts.cancelled,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def asked(job: Job, options: Mapping[str, Any], input_sha256: str) -> dict[str, Any]:
    """The receipt's entries from the job."""
    return {
        "task": job.task,
        "input": None if job.source is None else str(job.source.absolute()),
        "input_sha256": input_sha256,
        "output": None if job.target is None else str(job.target.absolute()),
        "options": dict(options),
        "settings": plain(asdict(job.settings)),
        "strength": job.strength,
        "stack": {name: value for name in ("axes", "joint", "warm") if (value := getattr(job, name))},
    }


def came(job: Job, stream: "Stream", result: "Result", facts: Facts) -> dict[str, Any]:
    """The receipt's entries about the outcome."""
    pilot = stream.seconds  # for tiles and seeds, first estimates count as fit
    spent = {"pilot": pilot, "fit": max(0.0, result.seconds - pilot), "total": facts.seconds}
    return {
        "snapshots": None if facts.snapshots is None else str(facts.snapshots.absolute()),
        "estimates": plain(result.estimates),
        "reason": result.reason if job.repeat is None else job.repeat.reason,
        "unchanged": result.unchanged,
        "pilots": stream.count_of_estimates,
        "step": facts.step,
        "steps": result.steps,
        "disagreement": dict(disagreement.said(result.disagreement, job.target)),
        "residual": dict(removed.said(facts.residual, job.target if job.residual else None)),
        "score": finite(result.score) if facts.step == result.step else None,
        "pilot_score": finite(result.pilot_score),
        "seconds": {name: round(value, 3) for name, value in spent.items()},
        **({"tiles": None, "runs": []} | dict(stream.done)),
    }


def computed(job: Job) -> dict[str, Any]:
    """The receipt's entries about device and versions."""
    import torch

    device = devices.find_device(job.settings.device)
    return {
        "device": {"name": device, "model": devices.device_model(device)},
        "threads": torch.get_num_threads(),
        "versions": devices.versions(),
    }


def finite(score: float | None) -> float | None:
    """Return the score, or None for NaN, the mean over no pixels."""
    return score if score is not None and math.isfinite(score) else None


def pixels_sha256(picture: Picture) -> str:
    """Return the SHA-256 of colours and alpha, independent of the file format."""
    return sha256_of_samples(picture.colours, picture.alpha)
