"""Run whose result grows in a draft: what giant pictures and stacks have in common.

The draft lies beside the output until it is encoded; with a checkpoint it lies beside that, and outlives a kill. The
receipt is written, hidden, before the output gets its name, and gets its own after it: what a kill between the two
leaves is known by the next run of the same job, which finishes it.
"""

import os
import secrets
import weakref
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ipse.errors import IpseError, OptionError, OutputError, RunError
from ipse.pictures import Picture, write_bytes
from ipse.pictures.files import check_place, stamp
from ipse.pictures.large import Draft, check_room, put
from ipse.runs.checkpoint import Checkpoint
from ipse.runs.job import fingerprint
from ipse.runs.receipt import Receipt, awaited, beside, digest_of, pending, sha256_of
from ipse.runs.report import of_job, report
from ipse.runs.run import Run

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.streams.stream import Estimate, Result


class Drafted(Run):
    """A job under way whose result is never whole in memory."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int, int]:
        """(rows, columns, samples) of the draft."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of its samples."""

    @abstractmethod
    def first(self) -> Picture:
        """What the memory is checked on: a tile, or a plane."""

    def given(self) -> tuple[bytes, Picture]:
        """No bytes, for the file is never whole in memory, and its first part."""
        assert self.job.source is not None
        self.seen = stamp(self.job.source)
        return b"", self.first()

    def check_wishes(self) -> None:
        """Refuse what is of pictures in memory."""
        if self.job.collects or self.job.settings.seeds > 1:
            raise OptionError(
                "--strength, --snapshots and --seeds are of one picture in memory: leave them out of a stack, "
                "a zarr folder, or a picture that is read part by part"
            )

    def copy(self) -> None:
        """Put what came in into the draft, where nothing was to be restored."""

    @abstractmethod
    def write_part(self, part: Path) -> None:
        """Write the draft as the output is, under a name that is not yet its own."""

    @abstractmethod
    def pixels_sha256(self) -> str:
        """The hash of the samples in the draft."""

    @property
    def target(self) -> Path:
        """Where the result goes."""
        assert self.job.target is not None
        return self.job.target

    @cached_property
    def settled(self) -> Receipt | None:
        """The receipt of what lies at the output, where it is this job's and a kill came before the receipt."""
        said = awaited(self.target)
        if said is None or said.cancelled:
            return None
        asked = of_job(self) | {"input_sha256": self.input_sha256}
        same = all(getattr(said, key) == asked[key] for key in asked.keys() - {"input", "output"})
        return said if same else None

    def check_folder(self) -> None:
        """Refuse a zarr folder that could not be made.

        Raises:
            OutputError: says why.
        """
        if not os.path.lexists(self.target):
            check_place(self.target)
        elif self.settled is None:
            raise OutputError(
                f"{self.target}: exists already; a zarr folder is never replaced: choose a new name, or remove it"
            )

    def check_rest(self) -> None:
        """Refuse a receipt or checkpoint that could not be written, and a disk that is too small.

        Raises:
            InputError: says which.
        """
        check_place(beside(self.target), overwrite=True)
        if self.checkpoint is not None:
            self.checkpoint.check(resume=self.job.resume, overwrite=self.job.overwrite)
        elif self.job.resume:
            raise OptionError("--resume goes on from a checkpoint: add --checkpoint FILE")
        if self.settled is not None:
            return
        draft = int(np.prod(self.shape)) * self.dtype.itemsize
        check_room(self.target.absolute().parent, 2 * draft)  # the draft, and an output that may not pack

    @cached_property
    def input_sha256(self) -> str:
        """Of the input, file by file where it is a folder."""
        assert self.job.source is not None
        return sha256_of(self.job.source)

    @cached_property
    def checkpoint(self) -> Checkpoint | None:
        """The consumer that saves, if one was asked for."""
        if self.job.checkpoint is None:
            return None
        marks = fingerprint(self.job, b"", self.options) | {"picture": self.input_sha256}
        marks |= {"axes": self.job.axes, "joint": self.job.joint, "warm": self.job.warm}
        return Checkpoint(self.job.checkpoint, marks, every=self.job.every)

    @cached_property
    def draft(self) -> Draft:
        """The rows of the result; they outlive a kill where there is a checkpoint."""
        saved = self.job.checkpoint
        if saved is None:
            path = self.target.absolute().with_name(f".ipse-{secrets.token_hex(6)}.tmp")
        else:
            path = saved.absolute().with_name(saved.name + ".rows")
        resume = saved is not None and self.job.resume and saved.exists()
        made = Draft(path, self.shape, self.dtype, resume=resume, kept=saved is not None)
        weakref.finalize(self, made.close, remove=saved is None)
        return made

    def __iter__(self) -> "Iterator[Estimate | State]":
        """Pull the restoration's events; of an output that is there, none."""
        if self.settled is None:
            yield from super().__iter__()

    def finish(self, *, cancelled: bool = False) -> Receipt:
        """Write what there is, and its receipt; a finished run's draft and checkpoint are removed.

        Raises:
            RunError: there was nothing yet to write, or writing failed.
        """
        said = self.settled
        if said is None:
            said = self.put(self.restoration.result(), cancelled=cancelled)
        settle(self.target)
        self.draft.close(remove=not (cancelled and self.checkpoint is not None))
        if self.checkpoint is not None and not cancelled:
            self.checkpoint.remove()
        return said

    def check_input(self) -> None:
        """Refuse to put an input's name to what was read of two.

        Raises:
            RunError: the input has changed since it was opened.
        """
        assert self.job.source is not None
        now = stamp(self.job.source)
        known = "input_sha256" in vars(self)  # then a new date alone is no change
        if now != self.seen and not (known and now and sha256_of(self.job.source) == self.input_sha256):
            raise RunError(
                f"{self.job.source}: has changed while it was restored; nothing was written: run it again"
            )

    def put(self, result: "Result", *, cancelled: bool) -> Receipt:
        """Write the output, its receipt pending."""
        made: list[Receipt] = []

        def note(part: Path) -> None:
            said = report(self, result, step=result.step, picture=self.picture, data=b"", cancelled=cancelled)
            made.append(
                replace(
                    said,
                    input_sha256=self.input_sha256,
                    output_sha256=sha256_of(part),
                    pixels_sha256=self.pixels_sha256(),
                )
            )
            write_bytes(pending(self.target), made[0].to_json().encode(), overwrite=True)

        if result.unchanged:
            self.copy()
        self.check_input()
        try:
            put(self.target, self.write_part, overwrite=self.job.overwrite, before=note)
        except IpseError as error:  # but where another run of the same job has just written the same
            same = made and digest_of(self.target) == made[0].output_sha256
            if not (same and isinstance(error, OutputError)):
                forget(self.target, made)
                raise
        return made[0]


def forget(output: Path, said: Sequence[Receipt]) -> None:
    """Remove the pending receipt of what did not get its name, unless another run's has taken its place."""
    with suppress(OSError):
        if pending(output).read_bytes() in [one.to_json().encode() for one in said]:
            pending(output).unlink()


def settle(output: Path) -> None:
    """Put the receipt of an output, which has its name now, beside it."""
    with suppress(FileNotFoundError):  # another run of the same job has
        pending(output).replace(beside(output))
