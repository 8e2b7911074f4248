"""order ↦ Run ↦ messages: run a job in a worker, with progress, pause, stop and checkpoints."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse import tasks
from ipse.errors import OutputError
from ipse.pictures import read, write_bytes
from ipse.pictures.tiling import side_for
from ipse.pictures.views import view
from ipse.runs import removed
from ipse.runs.disagreement import places
from ipse.runs.inputs import InParts, WholeFile
from ipse.runs.job import Job
from ipse.runs.open import input_of, run_from
from ipse.runs.outputs import snapshots_of
from ipse.runs.receipt import Receipt, beside
from ipse.runs.report import finite
from ipse.runs.run import Run
from ipse.runs.snapshots import Trajectory
from ipse.settings import Settings
from ipse.streams.forecast import Forecast
from ipse.streams.parts import Parts
from ipse.streams.stream import Estimate, steps
from ipse.web.channel import Channel
from ipse.web.pieces import Region
from ipse.web.places import BEFORE, CHECKPOINT, PREVIEW, REMOVED, point_name, target_for, target_of
from ipse.web.previews import Previews
from ipse.web.views import write_views

if TYPE_CHECKING:
    from ipse.engine.stopping import State

PULSE = 1.0  # seconds between two messages of the time that is left
EVERY = 0.12  # seconds between two messages of steps
SAVED = 10.0  # seconds between checkpoints


def fit(order: dict[str, Any], channel: Channel) -> None:
    """Run a job and send messages about it."""
    folder = Path(order["folder"])
    run = opened(order, folder)
    piece = isinstance(run.input, Region)
    if piece:
        write_bytes(folder / BEFORE, view(run.picture), overwrite=True)
    previews = Previews(run, folder / PREVIEW)
    cancelled = pull(run, previews, channel)
    if channel.closed:
        run.save()
        return
    channel.send("writing")
    said = run.finish(cancelled=cancelled)
    if run.checkpoint is not None:
        run.checkpoint.remove()
    channel.put(
        {"say": "done", "receipt": summary(said)} | shown(run, folder, piece=piece, less=bool(said.residual))
    )


def opened(order: dict[str, Any], folder: Path) -> Run:
    """Return the run of an order, after checking it."""
    task, file = order["task"], Path(order["source"])
    settings = tasks.uncut(task, Settings(**order["settings"]))
    options = {
        key: Path(value["file"]) if isinstance(value, dict) else value
        for key, value in order["options"].items()
    }
    job = Job(task, file, target_for(folder, task, file), settings, options, overwrite=True)
    if order["region"] is not None:
        source = Region(job, tuple(order["region"]))
    else:
        source = input_of(replace(job, checkpoint=folder / CHECKPOINT, every=SAVED, resume=True))
        source.job = replace(source.job, snapshots=in_one(source))
    try:
        return run_from(source)
    except OutputError:  # the format of the file cannot hold the picture
        source.job = replace(source.job, target=target_of(folder, source.picture))
        return run_from(source)


def in_one(source: WholeFile | InParts) -> bool:
    """Whether an input is restored by a single fit, of which points can be kept."""
    settings = source.job.settings
    if not isinstance(source, WholeFile) or settings.tile or settings.seeds > 1:
        return False
    return side_for(source.picture.size, told=settings.tile, factor=source.factor) == 0


def pull(run: Run, previews: Previews, channel: Channel) -> bool:
    """Run the stream until it ends or is stopped; return whether it was stopped."""
    telling = Telling(run, previews, channel)
    with Pulse(telling):
        return followed(run, telling, channel)


def followed(run: Run, telling: "Telling", channel: Channel) -> bool:
    """Tell every event, pause and go on as told; return whether the run was stopped."""
    for event in run:
        telling.tell(event)
        if channel.paused.is_set():
            wait(run, channel)
        if channel.closed or (channel.stopped and run.has_estimate):
            return True
    telling.finish()
    return False


class Telling:
    """Sends progress messages about a run, at intervals and at the end."""

    def __init__(self, run: Run, previews: Previews, channel: Channel) -> None:
        self.run, self.previews, self.channel = run, previews, channel
        self.forecast = Forecast(run.stream)
        self.begun, self.last = False, 0.0
        self.unsaid: dict[str, Any] | None = None

    def tell(self, event: "Estimate | State") -> None:
        """Send an event, if it is time; first estimates are sent at once."""
        problem = self.run.stream.problem
        if not self.begun and problem is not None:
            self.begun = True
            self.channel.send("found", estimates=problem.estimates)
        pilot = isinstance(event, Estimate)
        self.unsaid = message(self.run, event) | self.ahead()
        if pilot or time.monotonic() - self.last >= EVERY:
            self.finish()
        if pilot or self.previews.due():
            x = event.picture if pilot else event.average
            self.channel.send("preview", version=self.previews.draw(x))

    def ahead(self) -> dict[str, float | None]:
        """How much time is left, and what share of it is over."""
        return {"left": self.forecast.left(), "share": self.forecast.share()}

    def finish(self) -> None:
        """Send the last event, if it has not been sent."""
        if self.unsaid is not None:
            self.channel.put(self.unsaid)
            self.unsaid, self.last = None, time.monotonic()


class Pulse:
    """Says how much time is left between events, from a thread of its own; the first is what a look promises."""

    def __init__(self, telling: Telling) -> None:
        self.telling, self.over = telling, threading.Event()
        self.thread = threading.Thread(target=self.beat, daemon=True)

    def __enter__(self) -> None:
        self.telling.forecast.look()
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def beat(self) -> None:
        """Speak every second, but not while the run is paused."""
        channel = self.telling.channel
        while not self.over.wait(PULSE):
            if not channel.paused.is_set():
                channel.send("left", **self.telling.ahead())


def wait(run: Run, channel: Channel) -> None:
    """Save the state and wait between two steps until resumed."""
    run.save()
    channel.send("paused")
    channel.going.wait()
    if not channel.closed:
        channel.send("resumed")


def message(run: Run, event: "Estimate | State") -> dict[str, Any]:
    """Return the message for an event."""
    parts = {"tile": run.stream.done.get("tiles"), "tiles": count_of(run)}
    if isinstance(event, Estimate):
        say = "refined" if event.refined else "pilot"
        return {"say": say, "index": event.index + 1} | parts
    return {
        "say": "step",
        "step": event.step,
        "steps": steps(run.stream),
        "loss": finite(event.loss),
        "score": finite(event.score),
    } | parts


def count_of(run: Run) -> int | None:
    """The number of tiles or planes; None if there are none."""
    stream = run.stream
    return stream.cut.count if isinstance(stream, Parts) and "tiles" in stream.done else None


def summary(said: Receipt) -> dict[str, Any]:
    """Return the entries of a receipt that the page shows."""
    names = (
        "reason",
        "unchanged",
        "cancelled",
        "step",
        "steps",
        "score",
        "pilot_score",
        "seconds",
        "estimates",
    )
    return {name: getattr(said, name) for name in names} | {
        "doubt": removed.warning(said.residual, said.estimates)
    }


def shown(run: Run, folder: Path, *, piece: bool, less: bool) -> dict[str, Any]:
    """Write views of the result, of what it has less, and of the points of its trajectory; return their names."""
    target = run.job.target
    assert target is not None
    made = read(target)
    write_views(folder, made)
    if less:
        write_bytes(folder / REMOVED, removed.look(run.picture, made), overwrite=True)
    if piece:
        beside(target).unlink(missing_ok=True)  # it would describe the whole picture
    body: dict[str, Any] = {"result": target.name, "size": made.size, "points": [], "chosen": None}
    body["removed"] = less
    body["disagreement"] = places(target)[1].exists()
    if run.job.snapshots and snapshots_of(target).exists():
        points = Trajectory.read(snapshots_of(target))
        for step in points.points:
            write_bytes(folder / point_name(step), view(made, points.pixels(step)), overwrite=True)
        body |= {"points": sorted(points.points), "chosen": points.chosen}
    return body
