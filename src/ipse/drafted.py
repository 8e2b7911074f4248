"""Run whose result grows in a draft: what giant pictures and stacks have in common.

The draft lies beside the output until it is encoded; with a checkpoint it lies beside that, and outlives a kill.
"""

import hashlib
import secrets
import weakref
from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ipse.checkpoint import Checkpoint
from ipse.errors import OptionError
from ipse.job import fingerprint
from ipse.pictures import Picture, write_bytes
from ipse.pictures.files import check_place
from ipse.receipt import Receipt, beside
from ipse.report import report
from ipse.run import Run
from ipse.windows import Draft, check_room

BLOCK = 1 << 20  # bytes that are hashed at once


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
    def write(self) -> None:
        """Make the output of the draft, atomically."""

    @abstractmethod
    def pixels_sha256(self) -> str:
        """The hash of the samples in the draft."""

    @property
    def target(self) -> Path:
        """Where the result goes."""
        assert self.job.target is not None
        return self.job.target

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

    def finish(self, *, cancelled: bool = False) -> Receipt:
        """Write what there is, and its receipt; a finished run's draft and checkpoint are removed.

        Raises:
            RunError: there was nothing yet to write, or writing failed.
        """
        result = self.restoration.result()
        if result.unchanged:
            self.copy()
        self.write()
        said = replace(
            report(self, result, step=result.step, picture=self.picture, data=b"", cancelled=cancelled),
            input_sha256=self.input_sha256,
            output_sha256=sha256_of(self.target),
            pixels_sha256=self.pixels_sha256(),
        )
        write_bytes(beside(self.target), said.to_json().encode(), overwrite=True)
        self.draft.close(remove=not (cancelled and self.checkpoint is not None))
        if self.checkpoint is not None and not cancelled:
            self.checkpoint.remove()
        return said


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file; of a folder, that of its files' names and contents in order."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            if path.is_dir():
                digest.update(str(file.relative_to(path)).encode())
            with file.open("rb") as stream:
                while block := stream.read(BLOCK):
                    digest.update(block)
    return digest.hexdigest()
