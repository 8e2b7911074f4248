"""file y → Picture → Stream → Picture → file x*, with its receipt: the run of a job.

    run = open_run(Job("denoise", Path("in.png"), Path("out.png")))    # refuses here what cannot work
    for event in run:                                                  # stop pulling to cancel
        ...
    receipt = run.finish()                                             # writes

A run pulls between an input and an output. PyTorch is imported by the first event, so that a wrong path is reported
at once.
"""

import time
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ipse import tasks
from ipse.errors import OptionError
from ipse.pictures import Picture
from ipse.pictures.residual import Residual
from ipse.runs import removed
from ipse.runs.checkpoint import Checkpoint
from ipse.runs.inputs import InParts, WholeFile
from ipse.runs.job import Job, fingerprint
from ipse.runs.outputs import InDraft, Made, Output, snapshots_of
from ipse.runs.receipt import Receipt, settle
from ipse.runs.report import Facts, report
from ipse.runs.snapshots import COUNT, Snapshots, Trajectory

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.streams.stream import Estimate, Result, Stream


class Run:
    """The run of a job: iterate over its events, then call ``finish``.

    Args:
        job: the job.
        source: its input.
        output: its output.

    Raises:
        InputError: the checkpoint cannot be used.
    """

    def __init__(self, job: Job, source: WholeFile | InParts, output: Output) -> None:
        self.started, self.earlier = time.perf_counter(), 0.0  # seconds before a resume
        self.job, self.input, self.output = job, source, output
        self.picture = source.picture
        if self.checkpoint is not None:
            self.checkpoint.check(resume=job.resume, overwrite=job.overwrite)
        elif job.resume:
            raise OptionError("--resume needs a checkpoint: add --checkpoint FILE")

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The checkpoint, if requested."""
        if self.job.checkpoint is None:
            return None
        marks = fingerprint(self.job, self.input.sha256, self.input.options)
        return Checkpoint(self.job.checkpoint, marks, every=self.job.every)

    @cached_property
    def stream(self) -> "Stream":
        """The restoration; PyTorch is imported here."""
        if isinstance(self.input, InParts):
            assert isinstance(self.output, InDraft)
            return self.input.stream(self.output.draft)
        return self.input.stream()

    @cached_property
    def snapshots(self) -> Snapshots | None:
        """The consumer that collects points of the trajectory."""
        one = self.stream.current  # runs with a trajectory have no parts
        return Snapshots(one) if self.job.collects and one is not None else None

    @property
    def has_estimate(self) -> bool:
        """Whether there is something to write."""
        return self.stream.has_estimate

    @property
    def seconds(self) -> float:
        """Seconds since the beginning, over all sessions."""
        return self.earlier + time.perf_counter() - self.started

    def __iter__(self) -> "Iterator[Estimate | State]":
        """Yield the stream's events, after passing them to the consumers that save; none if the output exists.

        Raises:
            NotEnoughMemory: a fit would need more than there is.
        """
        if self.output.settled is None:
            self.open()
            yield from self.pulled(self.stream)

    def open(self) -> None:
        """Check the memory, and resume from the checkpoint if requested.

        Raises:
            NotEnoughMemory: a fit would need more than there is.
        """
        from ipse.runs.plan import check_memory

        points = COUNT + 2 if self.job.collects else 0  # the first estimate and the last step in addition
        for picture, settings, options in self.input.fitted(self.stream.settings):
            check_memory(picture, self.job.task, settings, options, points=points)
        saved = self.checkpoint.resume(self.stream) if self.checkpoint and self.job.resume else None
        if saved is not None:
            self.earlier = saved["seconds"]
            if self.snapshots is not None:
                self.snapshots.load_state_dict(saved["snapshots"])

    def pulled(self, events: "Iterable[Estimate | State]") -> "Iterator[Estimate | State]":
        """Pass events on after the consumers that save, up to the end of a repeated receipt."""
        for event in events:
            if self.snapshots is not None:
                self.snapshots(event)
            if self.checkpoint is not None and self.checkpoint.due():
                self.save()
            yield event
            if self.reached():
                return

    def save(self) -> None:
        """Save a checkpoint between two events, if possible."""
        if self.checkpoint is None or not self.stream.can_be_saved:
            return
        points = {} if self.snapshots is None else self.snapshots.state_dict()
        self.checkpoint.save(self.stream, {"seconds": self.seconds, "snapshots": points})

    def reached(self) -> bool:
        """Whether the run has reached the end of a repeated receipt."""
        far = self.job.repeat
        if far is None or far.runs:  # the seeds have limits of their own
            return False
        tiles = self.stream.done.get("tiles")
        if tiles is not None:
            return far.tiles is not None and tiles >= far.tiles
        taken = 0 if self.stream.search is None else self.stream.search.fit.step
        return self.stream.count_of_estimates >= far.pilots and taken >= far.steps

    def finish(self, *, cancelled: bool = False) -> Receipt:
        """Write the best result so far, its receipt and snapshots; remove the checkpoint of a finished run.

        Raises:
            RunError: there was nothing yet to write, or writing failed.
        """
        said = self.output.settled
        if said is None:
            said = self.written(self.stream.result(), cancelled=cancelled)
        elif self.output.target is not None:
            settle(self.output.target)
        self.output.close(keep=cancelled and self.checkpoint is not None)
        if self.checkpoint is not None and not cancelled:
            self.checkpoint.remove()
        return said

    def written(self, result: "Result", *, cancelled: bool) -> Receipt:
        """Write a result, at the requested strength."""
        points, job = self.trajectory(result), self.job
        picture, step = result.picture, result.step
        if points is not None and job.strength is not None:
            chosen = points.step_at(job.strength)
            picture = self.picture.like(points.pixels(chosen), keep=points.keep)
            step = 0 if points.mixed else chosen
        kept = points is not None and job.snapshots and job.target is not None
        made = Made(result, picture, points.to_bytes() if kept and points is not None else None)
        residual = self.residual(result, picture)
        place = snapshots_of(job.target) if kept and job.target is not None else None

        def receipt(**hashes: str) -> Receipt:
            options, digest = self.input.options, self.input.sha256
            facts = Facts(options, digest, self.seconds, step, place, cancelled, residual)
            return report(job, self.stream, result, facts, **hashes)

        return self.output.write(made, receipt)

    def residual(self, result: "Result", picture: Picture) -> Residual | None:
        """The properties of what was removed; None if the task fills or resizes instead of removing."""
        filled = self.stream.problem is not None and self.stream.problem.keep is not None
        whole = isinstance(self.input, WholeFile) and tasks.sees(self.job.task) in ("parts", "whole")
        return removed.of(self.picture, picture) if whole and not (filled or result.unchanged) else None

    def trajectory(self, result: "Result") -> Trajectory | None:
        """The collected points, if there are any."""
        if self.snapshots is None or result.unchanged:
            return None
        place = self.job.source and str(self.job.source.absolute())
        origin = {"task": self.job.task, "input": place, "input_sha256": self.input.sha256}
        return self.snapshots.trajectory(result.step, origin)
