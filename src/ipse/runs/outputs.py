"""Outputs of runs: a file encoded in memory, or from a draft part by part, with its receipt.

The receipt is written first, hidden; then the output gets its name; then the receipt gets its own. What a kill between
the two leaves is known by the next run of the same job, which finishes it.
"""

import secrets
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ipse import tasks
from ipse.errors import IpseError, OptionError, OutputError, RunError
from ipse.pictures import Picture, check_encoding, check_target, encode, write_bytes
from ipse.pictures.files import Content, check_place, to_stdout, write_files
from ipse.pictures.large import Draft, check_room, put
from ipse.pictures.large.open import is_zarr
from ipse.runs import disagreement, panels, removed
from ipse.runs.inputs import InParts, WholeFile
from ipse.runs.job import piped_format
from ipse.runs.receipt import Receipt, awaited, beside, digest_of, forget, pending, settle, sha256, sha256_of
from ipse.runs.report import asked, pixels_sha256
from ipse.runs.snapshots import SUFFIX

if TYPE_CHECKING:
    from ipse.streams.stream import Result

Report = Callable[..., Receipt]  # called with the hashes of what was written


@dataclass(frozen=True)
class Made:
    """The data to write."""

    result: "Result"
    picture: Picture  #: the result's picture, or that of another step
    trajectory: bytes | None = None  #: snapshots for ``ipse pick``


class Output(ABC):
    """The output of a run."""

    format: str  #: of the file
    target: Path | None  #: None is standard output
    settled: Receipt | None = None  #: receipt of an existing output of this job

    @abstractmethod
    def write(self, made: Made, report: Report) -> Receipt:
        """Write the result, its receipt, and the other files beside it."""

    @abstractmethod
    def close(self, *, keep: bool) -> None:
        """Remove temporary files, except those that a checkpoint needs."""


class Bytes(Output):
    """A file that is encoded in memory, or standard output.

    Args:
        source: the input.

    Raises:
        InputError: the path cannot be written.
    """

    def __init__(self, source: WholeFile) -> None:
        self.source, job = source, source.job
        self.target, self.overwrite = job.target, job.overwrite
        self.settled = None if self.target is None else settled(self.target, source)
        again = self.overwrite or self.settled is not None
        across = source.factor * max(1, len(tasks.panels(job.task)))
        height, width = source.picture.size
        place, form = job.target or "-", piped_format(job, source.picture)
        size = (height * source.factor, width * across)
        self.format = check_target(source.picture, place, overwrite=again, format=form, size=size)
        check_encoding(source.picture, place, format=self.format)
        if self.target is None:
            if job.snapshots or job.residual:
                raise OptionError(
                    "--snapshots and --residual are written beside the output: give a file with -o"
                )
            return
        for path in (beside(self.target), *([snapshots_of(self.target)] if job.snapshots else [])):
            check_place(path, overwrite=True)
        maps = disagreement.places(self.target) if job.settings.seeds > 1 else ()
        if job.residual and across != 1:
            raise OptionError(f"--residual needs a result of the picture's size: remove it for {job.task}")
        maps += removed.places(self.target) if job.residual else ()
        for path in (*maps, *panels.places(self.target, job.task)):
            check_place(path, overwrite=again)

    def write(self, made: Made, report: Report) -> Receipt:
        """Write the output and the files beside it.

        Raises:
            RunError: writing failed; nothing half-written is left.
        """
        data = self.encoded(made)
        said = report(output_sha256=sha256(data), pixels_sha256=pixels_sha256(made.picture))
        if self.target is None:
            to_stdout(data)
            return said
        text = said.to_json().encode()
        # Without synchronisation: this protects against kills, not power failures.
        write_bytes(pending(self.target), text, overwrite=True, sync=False)
        output, receipt = Content(self.target, data, self.overwrite), Content(beside(self.target), text)
        others = self.companions(made, self.target)
        try:
            write_files(output, *others, receipt)
        except IpseError as error:
            forget(self.target, said)
            if not isinstance(error, OutputError) or digest_of(self.target) != said.output_sha256:
                raise
            write_files(replace(output, overwrite=True), *others, receipt)  # another run has written the same
        forget(self.target, said)
        return said

    def close(self, *, keep: bool) -> None:
        """Do nothing: there are no temporary files."""

    def companions(self, made: Made, target: Path) -> list[Content]:
        """The files beside an output, except its receipt."""
        deviation, task = made.result.disagreement, self.source.job.task
        shown = {} if deviation is None else disagreement.files(deviation, target, like=made.picture)
        shown |= panels.files(made.picture, target, task, self.format, made.result.beside)
        if self.source.job.residual:
            shown |= removed.files(self.source.picture, made.picture, target)
        files = [Content(path, data, self.overwrite) for path, data in shown.items()]
        kept = made.trajectory
        return files if kept is None else [*files, Content(snapshots_of(target), kept)]

    def encoded(self, made: Made) -> bytes:
        """The output's bytes; those of the input if nothing was restored and the format is the same."""
        as_it_came = made.result.unchanged and self.format == self.source.picture.format
        if as_it_came and self.source.unchanged is not None:
            return self.source.unchanged
        try:
            return encode(made.picture, format=self.format)
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            said = f"encoding as {self.format} failed ({error}); nothing was written: try .png"
            raise RunError(said) from error


class InDraft(Output):
    """A file or zarr folder that is encoded from a draft on the disk.

    The draft is beside the output; with a checkpoint it is beside that, and survives a kill.

    Args:
        source: the input.

    Raises:
        InputError: the path cannot be written, or the disk has too little space.
    """

    def __init__(self, source: InParts) -> None:
        self.source, job = source, source.job
        assert job.target is not None
        self.target, self.overwrite = job.target, job.overwrite
        self.settled = settled(self.target, source)
        again = self.overwrite or self.settled is not None
        if is_zarr(self.target) and self.settled is None:
            check_new(self.target)
        self.format = source.check_target(self.target, overwrite=again)
        check_place(beside(self.target), overwrite=True)
        if self.settled is None:
            # Twice: the draft, and an output that may not be compressible.
            need = 2 * int(np.prod(source.shape)) * source.dtype.itemsize
            check_room(self.target.absolute().parent, need)

    @cached_property
    def draft(self) -> Draft:
        """The rows of the result, which survive a kill if there is a checkpoint."""
        job, target = self.source.job, self.target
        assert target is not None
        saved = job.checkpoint
        if saved is None:
            path = target.absolute().with_name(f".ipse-{secrets.token_hex(6)}.tmp")
        else:
            path = saved.absolute().with_name(saved.name + ".rows")
        resume = saved is not None and job.resume and saved.exists()
        made = Draft(path, self.source.shape, self.source.dtype, resume=resume, kept=saved is not None)
        weakref.finalize(self, made.close, remove=saved is None)
        return made

    def write(self, made: Made, report: Report) -> Receipt:
        """Write the output, with a pending receipt until it has its name."""
        said: list[Receipt] = []
        source, target = self.source, self.target
        assert target is not None

        def before(part: Path) -> None:
            hashes = {"output_sha256": sha256_of(part), "pixels_sha256": source.pixels_sha256(self.draft)}
            said.append(report(**hashes))
            write_bytes(pending(target), said[0].to_json().encode(), overwrite=True)

        if made.result.unchanged:
            source.copy(self.draft)
        source.check_unchanged()
        try:
            put(
                target,
                lambda part: source.encode(self.draft, part, format=self.format),
                overwrite=self.overwrite,
                before=before,
            )
        except IpseError as error:  # unless another run of the same job has just written the same
            same = said and digest_of(target) == said[0].output_sha256
            if not (same and isinstance(error, OutputError)):
                forget(target, *said)
                raise
        settle(target)
        return said[0]

    def close(self, *, keep: bool) -> None:
        """Remove the draft, unless a checkpoint needs it."""
        self.draft.close(remove=not keep)


def snapshots_of(target: Path) -> Path:
    """The path of an output's trajectory."""
    return target.with_name(target.name + SUFFIX)


def settled(target: Path, source: WholeFile | InParts) -> Receipt | None:
    """The receipt of an existing output of this job, if a kill came before its receipt was written."""
    said = awaited(target)
    if said is None or said.cancelled:
        return None
    wanted = asked(source.job, source.options, source.sha256)
    same = all(getattr(said, key) == wanted[key] for key in wanted.keys() - {"input", "output"})
    return said if same else None


def check_new(target: Path) -> None:
    """Check that a zarr folder can be created.

    Raises:
        OutputError: it cannot; the message says why.
    """
    if target.is_symlink() or target.exists():
        what = "exists already; zarr folders are never replaced: choose a new name, or remove it"
        raise OutputError(f"{target}: {what}")
    check_place(target)
