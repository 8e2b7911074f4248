"""errand ↦ moments, then a record: restore one picture from file to file, and report errors as records.

A fit that a kill ends goes on from its checkpoint, to the bit. What is already there and would come out the same is
left alone: the receipt says so, by the hashes of the input and the output.
"""

import json
import logging
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse import tasks
from ipse.batch.errands import Errand
from ipse.batch.listing import is_there
from ipse.batch.pairs import matched
from ipse.batch.records import Moment, Record, State
from ipse.errors import InputError, IpseError, OutputError, amiss, lack, one_line
from ipse.pictures import read_bytes
from ipse.runs.checkpoint import remove
from ipse.runs.job import Job, fingerprint, recorded
from ipse.runs.open import open_run
from ipse.runs.receipt import Receipt, awaited, beside, digest_of, pending, plain, sha256
from ipse.runs.run import Run

if TYPE_CHECKING:
    from ipse.engine.stopping import State as Step
    from ipse.streams.stream import Estimate

CHECKPOINT = ".checkpoint"
STACK: dict[str, Any] = {"axes": None, "joint": None, "warm": False}  # omitted in receipts by default
Opened = Callable[[Run], "Iterable[Estimate | Step | None]"]  #: how to iterate over a run

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """A running errand, with its files identified."""

    errand: Errand
    job: Job  #: with each folder option replaced by a file
    digest: str  #: SHA-256 of the picture

    @classmethod
    def of(cls, errand: Errand) -> "Fit":
        """Hash the picture, which may be larger than the memory, and find the files that belong to it.

        Raises:
            InputError: something is not there.
        """
        digest = digest_of(errand.source) or sha256(read_bytes(errand.source)[0])  # raises the right error
        options = matched(errand.job.options, errand.source, errand.inside)
        return cls(errand, replace(errand.job, options=options), digest)

    @cached_property
    def marks(self) -> dict[str, Any]:
        """What the result depends on."""
        return fingerprint(self.job, self.digest, recorded(self.job.task, self.job.options))

    @property
    def defaults(self) -> dict[str, Any]:
        """The task's default options, since giving a default explicitly does not change the result."""
        return {one.name: plain(one.default) for one in tasks.options(self.job.task) if not one.required}

    @property
    def checkpoint(self) -> Path:
        """The checkpoint, whose name depends on everything that the fit depends on."""
        digest = sha256(json.dumps(plain(self.marks), sort_keys=True).encode())[:16]
        return self.errand.hidden / f"{self.errand.label}.{digest}{CHECKPOINT}"

    def earlier(self) -> Receipt | None:
        """Return the receipt of an existing output that a new run would reproduce."""
        said = receipt_of(self.errand.target)
        wanted = self.job.snapshots
        if said is None or said.cancelled or (wanted and said.snapshots is None and not said.unchanged):
            return None
        files = {
            key: value["sha256"] if key in self.marks["files"] else value
            for key, value in said.options.items()
        }
        same = (
            said.task == self.job.task
            and said.input_sha256 == self.marks["picture"]
            and self.defaults | files == self.defaults | self.marks["options"] | self.marks["files"]
            and said.settings == plain(asdict(self.job.settings))
            and said.strength == self.job.strength
            and [said.stack.get(name, usual) for name, usual in STACK.items()] == self.marks["stack"]
        )
        return said if same and digest_of(self.errand.target) == said.output_sha256 else None

    def is_ours(self) -> bool:
        """Whether the existing output was made from this file and has not been changed since."""
        target = self.errand.target
        now, said = digest_of(target), receipt_of(target) or awaited(target)
        if now is None:
            return False
        source = str(self.errand.source.absolute())
        return said is not None and said.input == source and said.output_sha256 == now

    def run(self) -> Run:
        """Open the fit.

        Raises:
            InputError: for all that can be refused without a fit.
        """
        self.errand.hidden.mkdir(parents=True, exist_ok=True)
        overwrite = self.job.overwrite or self.is_ours()
        job = replace(self.job, checkpoint=self.checkpoint, resume=True, overwrite=overwrite)
        return open_run(job)

    def clear(self) -> None:
        """Remove the files that were kept in case of a kill."""
        pending(self.errand.target).unlink(missing_ok=True)
        remove(self.checkpoint)
        for path in self.errand.hidden.glob(f"{escape(self.errand.label)}.*{CHECKPOINT}*"):
            remove(path)


def fit(errand: Errand, *, opened: Opened = iter) -> Generator[Moment | Record]:
    """Restore a picture; the last event is its record. Stop iterating to cancel; the fit is then saved.

    Errors are returned as records; only those that end the process are raised.
    """
    started = time.perf_counter()
    if errand.skip_existing and is_there(errand.target):
        yield record(errand, "skipped")
        return
    try:
        made = yield from restored(errand, started, opened)
    except IpseError as error:
        made = failed(errand, started, one_line(str(error)))
    except Exception as error:  # an error of one picture must not stop the others
        said = lack(error) or amiss(error)
        if said is None:
            log.exception("%s: unexpected error", errand.source)
        said = said or f"unexpected error: {type(error).__name__}: {one_line(str(error))}"
        made = failed(errand, started, f"{errand.source}: {said}", foreseen=False)
    yield made


def restored(errand: Errand, started: float, opened: Opened) -> Generator[Moment, None, Record]:
    """Restore a picture, unless it is done already."""
    under_way = Fit.of(errand)
    said = under_way.earlier()
    if said is not None:
        under_way.clear()
        return record(errand, "earlier", said)
    try:
        run = under_way.run()
    except OutputError:  # another run of the same batch may have finished it in the meantime
        run = under_way.run()
    set_threads(errand.threads)
    try:
        for event in opened(run):
            yield moment(run, event, started)
    except GeneratorExit:
        with suppress(
            OutputError
        ):  # the disk is full: a later run resumes from an earlier state, or starts again
            run.save()
        raise
    try:
        said = run.finish()
    except OutputError:  # a worker that was believed dead has written the same output before
        said = under_way.earlier()
        if said is None:
            raise
    under_way.clear()
    return replace(record(errand, "done", said), seconds=round(time.perf_counter() - started, 3))


def set_threads(threads: int | None) -> None:
    """Set the number of threads of PyTorch."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def moment(run: Run, event: "Estimate | Step | None", started: float) -> Moment:
    """Return the progress of a fit."""
    from ipse.streams.stream import steps

    step = getattr(event, "step", 0)
    return Moment(str(run.job.source), step, steps(run.stream), time.perf_counter() - started)


def record(errand: Errand, state: State, said: Receipt | None = None) -> Record:
    """Return the record of a finished errand."""
    here = str(errand.source.absolute()), str(errand.target.absolute())
    if said is None:
        return Record(errand.job.task, *here, state)
    receipt = str(beside(errand.target).absolute())
    seconds = said.seconds.get("total", 0.0)
    hashes = said.input_sha256, said.output_sha256
    return Record(errand.job.task, *here, state, *hashes, receipt, seconds=seconds)


def failed(errand: Errand, started: float, error: str, *, foreseen: bool = True) -> Record:
    """Return the record of a failed errand."""
    seconds = round(time.perf_counter() - started, 3)
    made = replace(record(errand, "failed"), input_sha256=digest_of(errand.source))
    return replace(made, error=error, seconds=seconds, foreseen=foreseen)


def receipt_of(output: Path) -> Receipt | None:
    """Return the receipt beside an output."""
    try:
        return Receipt.read(beside(output))
    except InputError:
        return None
