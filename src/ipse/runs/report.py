"""Run ↦ Receipt: what was done, with what, and what came of it."""

import math
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse import devices
from ipse.pictures import Picture
from ipse.pictures.files import Content
from ipse.runs import disagreement, panels
from ipse.runs.receipt import Receipt, plain, sha256, sha256_of_samples

if TYPE_CHECKING:
    from ipse.runs.run import Run
    from ipse.runs.snapshots import Trajectory
    from ipse.streams.stream import Result


def report(
    run: "Run", result: "Result", *, step: int, picture: Picture, data: bytes, cancelled: bool
) -> Receipt:
    """Return the receipt of a run.

    Args:
        run: the run, its stream pulled.
        result: what the restoration made of it.
        step: the step that was written, which ``strength`` may have moved.
        picture: what was written.
        data: the bytes of the file that was written.
        cancelled: whether a person ended it.
    """
    return Receipt(
        **of_job(run),
        **of_result(run, result, step=step),
        **of_machine(run),
        output_sha256=sha256(data),
        pixels_sha256=pixels_sha256(picture),
        cancelled=cancelled,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def companions(
    run: "Run", target: Path, result: "Result", picture: Picture, points: "Trajectory | None"
) -> list[Content]:
    """Return the files that lie beside an output, but for its receipt."""
    deviation, job = result.disagreement, run.job
    shown = {} if deviation is None else disagreement.files(deviation, target, like=picture)
    shown |= panels.files(picture, target, job.task, run.format)
    files = [Content(path, data, job.overwrite) for path, data in shown.items()]
    kept = points if job.snapshots else None
    return files if kept is None else [*files, Content(run.snapshots_path, kept.to_bytes())]


def of_job(run: "Run") -> dict[str, Any]:
    """Say what was asked for."""
    job = run.job
    return {
        "task": job.task,
        "input": None if job.source is None else str(job.source.absolute()),
        "input_sha256": sha256(run.data),
        "output": None if job.target is None else str(job.target.absolute()),
        "options": run.options,
        "settings": plain(asdict(job.settings)),
        "strength": job.strength,
        "stack": {name: value for name in ("axes", "joint", "warm") if (value := getattr(job, name))},
    }


def of_result(run: "Run", result: "Result", *, step: int) -> dict[str, Any]:
    """Say what came of it."""
    kept = run.snapshots is not None and run.job.snapshots and not result.unchanged
    return {
        "snapshots": str(run.snapshots_path.absolute()) if kept else None,
        "estimates": plain(result.estimates),
        "reason": result.reason if run.job.repeat is None else run.job.repeat.reason,
        "unchanged": result.unchanged,
        "pilots": run.pilots,
        "step": step,
        "steps": result.steps,
        "tiles": None,
        "runs": [],
        **run.restoration.done,
        "disagreement": dict(disagreement.said(result.disagreement, run.job.target)),
        "score": finite(result.score) if step == result.step else None,
        "pilot_score": finite(result.pilot_score),
        "seconds": seconds(run, result),
    }


def of_machine(run: "Run") -> dict[str, Any]:
    """Say what computed it."""
    import torch

    from ipse.devices import find_device

    device = find_device(run.job.settings.device)
    return {
        "device": {"name": device, "model": devices.device_model(device)},
        "threads": torch.get_num_threads(),
        "versions": devices.versions(),
    }


def seconds(run: "Run", result: "Result") -> dict[str, float]:
    """Return the seconds of the pilot, of the fit, and in total; those of tiles and seeds count as the fit's."""
    pilot = run.restoration.seconds
    spent = {"pilot": pilot, "fit": max(0.0, result.seconds - pilot), "total": run.seconds}
    return {name: round(value, 3) for name, value in spent.items()}


def finite(score: float | None) -> float | None:
    """Return a score that is one: NaN is what a mean over nothing gives."""
    return score if score is not None and math.isfinite(score) else None


def pixels_sha256(picture: Picture) -> str:
    """Return the SHA-256 of what is seen: colours and alpha, whatever file holds them."""
    return sha256_of_samples(picture.colours, picture.alpha)
