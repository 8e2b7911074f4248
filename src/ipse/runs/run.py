"""file y → Picture → Restoration → Picture → file x*, with the receipt beside it: one job, under way.

    run = Run(Job("denoise", Path("in.png"), Path("out.png")))     # refuses here what cannot work
    for event in run:                                              # stop pulling to cancel
        ...
    receipt = run.finish()                                         # writes

PyTorch is imported by the first event, so that a wrong path is told at once.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse import tasks
from ipse.errors import OptionError, RunError
from ipse.pictures import Picture, check_encoding, check_target, encode
from ipse.pictures.files import Content, check_place, to_stdout, write_files
from ipse.pictures.tiling import enlargement
from ipse.runs import disagreement, panels
from ipse.runs.checkpoint import Checkpoint
from ipse.runs.job import Job, file_record, fingerprint, given, piped_format
from ipse.runs.receipt import Receipt, beside, plain, sha256
from ipse.runs.report import companions, report
from ipse.runs.snapshots import COUNT, SUFFIX, Snapshots, Trajectory, check_strength

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.streams.stream import Estimate, Result, Stream


class Run:
    """A job under way: an iterable of events, then ``finish``.

    Raises:
        InputError: for all that can be refused without a fit: paths, formats, options, missing files.
    """

    def __init__(self, job: Job) -> None:
        self.started, self.earlier = time.perf_counter(), 0.0  # seconds before a resume
        self.job = job
        tasks.find(job.task)
        self.check_wishes()
        self.data, self.picture = self.given()
        self.files = {
            key: file_record(value) for key, value in job.options.items() if isinstance(value, Path)
        }
        self.format = self.check_places()

    def check_wishes(self) -> None:
        """Refuse what the settings ask for and cannot have."""
        if self.job.strength is not None:
            check_strength(self.job.strength)
        if self.job.collects and (self.job.settings.tile or self.job.settings.seeds > 1):
            raise OptionError("--strength and --snapshots are of one fit: leave --tile and --seeds out")

    def given(self) -> tuple[bytes, Picture]:
        """Read the picture: the file's bytes, and what is in them."""
        return given(self.job)

    def check_places(self) -> str:
        """Refuse every place that could not be written; return the output's format."""
        job, scale = self.job, enlargement(self.job.options)
        across = scale * max(1, len(tasks.panels(job.task)))
        size = (self.picture.size[0] * scale, self.picture.size[1] * across)
        target, form = job.target or "-", piped_format(job, self.picture)
        name = check_target(self.picture, target, overwrite=job.overwrite, format=form, size=size)
        check_encoding(self.picture, target, format=name)
        if job.target is not None:
            for path in (beside(job.target), *([self.snapshots_path] if job.snapshots else [])):
                check_place(path, overwrite=True)
            maps = disagreement.places(job.target) if job.settings.seeds > 1 else ()
            for path in (*maps, *panels.places(job.target, job.task)):
                check_place(path, overwrite=job.overwrite)
        elif job.snapshots:
            raise OptionError("--snapshots lie beside the output: name one with -o")
        if self.checkpoint is not None:
            self.checkpoint.check(resume=job.resume, overwrite=job.overwrite)
        elif job.resume:
            raise OptionError("--resume goes on from a checkpoint: add --checkpoint FILE")
        return name

    @property
    def snapshots_path(self) -> Path:
        """Where the trajectory goes."""
        assert self.job.target is not None
        return self.job.target.with_name(self.job.target.name + SUFFIX)

    @cached_property
    def options(self) -> dict[str, Any]:
        """The task's options as a receipt has them: files by place and content."""
        return {key: plain(value) for key, value in self.job.options.items()} | self.files

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The consumer that saves, if one was asked for."""
        if self.job.checkpoint is None:
            return None
        marks = fingerprint(self.job, self.data, self.options)
        return Checkpoint(self.job.checkpoint, marks, every=self.job.every)

    @cached_property
    def restoration(self) -> "Stream":
        """The stream; PyTorch is imported here."""

        from ipse.streams.open import open_stream

        job, ends = self.job, None if self.job.repeat is None else self.job.repeat.runs
        settings = replace(job.settings, tile=0) if job.collects else job.settings
        return open_stream(self.picture, job.task, settings, job.options, ends=ends)

    @property
    def has_estimate(self) -> bool:
        """Whether there is something to write."""
        return self.restoration.has_estimate

    @cached_property
    def snapshots(self) -> Snapshots | None:
        """The consumer that collects points of the trajectory."""
        one = self.restoration.current  # a fit that is collected is not cut into parts
        return Snapshots(one) if self.job.collects and one is not None else None

    def __iter__(self) -> Iterator["Estimate | State"]:
        """Pull the restoration's events, showing each to those who save; raises what ``open`` does."""
        self.open()
        yield from self.pulled(self.restoration)

    def open(self, told: Mapping[str, Any] | None = None) -> None:
        """Look for the memory, and go on from the checkpoint, where there is one and it was asked for.

        ``told`` is the options as ``picture`` sees them. Raises ``NotEnoughMemory``.
        """
        from ipse.runs.plan import check_memory

        job, points = self.job, COUNT + 2 if self.job.collects else 0  # the pilot and the last besides
        check_memory(self.picture, job.task, self.restoration.settings, told or job.options, points=points)
        saved = self.checkpoint.resume(self.restoration) if self.checkpoint and self.job.resume else None
        if saved is not None:
            self.earlier = saved["seconds"]
            if self.snapshots is not None:
                self.snapshots.load_state_dict(saved["snapshots"])

    def pulled(self, events: "Iterable[Estimate | State]") -> Iterator["Estimate | State"]:
        """Pass events on, as far as a repeated receipt went, once those who save have seen them."""
        for event in events:
            self.see(event)
            yield event
            if self.reached():
                return

    def see(self, event: "Estimate | State") -> None:
        """Collect, and save when it is time."""
        if self.snapshots is not None:
            self.snapshots(event)
        if self.checkpoint is not None and self.checkpoint.due():
            self.save()

    def save(self) -> None:
        """Save between two events, where there is something to go on from."""
        if self.checkpoint is None or not self.restoration.can_be_saved:
            return
        points = {} if self.snapshots is None else self.snapshots.state_dict()
        self.checkpoint.save(self.restoration, {"seconds": self.seconds, "snapshots": points})

    @property
    def pilots(self) -> int:
        """How many estimates were made without the fit, of the last tile or plane where there are several."""
        return self.restoration.count_of_estimates

    @property
    def seconds(self) -> float:
        """Since the beginning, over all sessions."""
        return self.earlier + time.perf_counter() - self.started

    def reached(self) -> bool:
        """Whether a repeated receipt went no further."""
        far = self.job.repeat
        if far is None or far.runs:  # several seeds stop by themselves
            return False
        tiles = self.restoration.done.get("tiles")
        if tiles is not None:
            return far.tiles is not None and tiles >= far.tiles
        taken = 0 if self.restoration.search is None else self.restoration.search.fit.step
        return self.pilots >= far.pilots and taken >= far.steps

    def finish(self, *, cancelled: bool = False) -> Receipt:
        """Write the best so far, its receipt and its snapshots; a finished run's checkpoint is removed.

        Raises:
            RunError: there was nothing yet to write, or writing failed.
        """
        result = self.restoration.result()
        picture, step, points = result.picture, result.step, self.trajectory(result)
        if points is not None and self.job.strength is not None:
            chosen = points.step_at(self.job.strength)
            picture = self.picture.like(points.pixels(chosen), keep=points.keep)
            step = 0 if points.mixed else chosen
        data = self.output(picture, unchanged=result.unchanged)
        said = report(self, result, step=step, picture=picture, data=data, cancelled=cancelled)
        if self.job.target is None:
            to_stdout(data)
        else:
            others = companions(self, self.job.target, result, picture, points)
            receipt = Content(beside(self.job.target), said.to_json().encode())
            self.deliver(Content(self.job.target, data, self.job.overwrite), *others, receipt)
        if self.checkpoint is not None and not cancelled:
            self.checkpoint.remove()
        return said

    def trajectory(self, result: "Result") -> Trajectory | None:
        """The collected points, if there are any."""
        if self.snapshots is None or result.unchanged:
            return None
        place = self.job.source and str(self.job.source.absolute())
        origin = {"task": self.job.task, "input": place, "input_sha256": sha256(self.data)}
        return self.snapshots.trajectory(result.step, origin)

    def deliver(self, output: Content, *others: Content) -> None:
        """Write the output and what lies beside it: all, or nothing."""
        write_files(output, *others)

    def output(self, picture: Picture, *, unchanged: bool) -> bytes:
        """The output's bytes: of what stayed as it was, in the same format, those of the very file that came in."""
        if unchanged and self.format == self.picture.format:
            return self.data
        try:
            return encode(picture, format=self.format)
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            said = f"encoding as {self.format} failed ({error}); nothing was written: try .png"
            raise RunError(said) from error
