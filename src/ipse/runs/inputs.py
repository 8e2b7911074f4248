"""Inputs of runs: a picture in memory, or a file that is read part by part.

``runs.large`` and ``runs.stacks`` are the two kinds of the latter; ``runs.open`` chooses.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ipse.errors import OptionError, RunError
from ipse.pictures import Picture
from ipse.pictures.files import stamp
from ipse.pictures.large import Draft
from ipse.pictures.tiling import enlargement
from ipse.runs.job import Job, given, recorded
from ipse.runs.plan import Plan, plan
from ipse.runs.receipt import sha256, sha256_of
from ipse.runs.snapshots import check_strength
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.streams.stream import Stream

Fitted = tuple[Picture, Settings, Mapping[str, Any]]  # picture, settings and options of one fit


class Input(ABC):
    """The input of a job.

    Args:
        job: the job.
        picture: the damaged picture, or a first part of it.
    """

    def __init__(self, job: Job, picture: Picture) -> None:
        self.job, self.picture = job, picture
        self.factor = enlargement(job.options)

    @cached_property
    def options(self) -> dict[str, Any]:
        """The task's options for a receipt, with files by path and hash."""
        return recorded(self.job.task, self.job.options)

    @cached_property
    def sha256(self) -> str:
        """Of the file."""
        return self.digest()

    @abstractmethod
    def digest(self) -> str:
        """The SHA-256 of the file; of a folder, file by file."""

    @abstractmethod
    def fitted(self, settings: Settings) -> Iterator[Fitted]:
        """The picture, settings and options for the memory check."""

    @abstractmethod
    def plan(self) -> Plan:
        """What a run would take."""


class WholeFile(Input):
    """A picture in memory.

    Raises:
        InputError: there is no usable picture, or options cannot be combined.
    """

    def __init__(self, job: Job) -> None:
        if job.strength is not None:
            check_strength(job.strength)
        if job.collects and (job.settings.tile or job.settings.seeds > 1):
            raise OptionError("--strength and --snapshots are for a single fit: remove --tile and --seeds")
        self.data, picture = given(job)
        self.unchanged: bytes | None = self.data  #: bytes to write if there is nothing to restore
        super().__init__(job, picture)
        self.options  # noqa: B018 - files among them are read before the work

    def digest(self) -> str:
        """The SHA-256 of the file."""
        return sha256(self.data)

    def stream(self) -> "Stream":
        """Open the restoration; PyTorch is imported here."""
        from ipse.streams.open import open_stream

        job, ends = self.job, None if self.job.repeat is None else self.job.repeat.runs
        settings = replace(job.settings, tile=0) if job.collects else job.settings
        return open_stream(self.picture, job.task, settings, job.options, ends=ends)

    def fitted(self, settings: Settings) -> Iterator[Fitted]:
        """The picture."""
        yield self.picture, settings, self.job.options

    def plan(self) -> Plan:
        """What a run would take."""
        return plan(self.picture, self.job.task, self.job.settings, self.job.options)


class InParts(Input):
    """An input that is never in memory completely; its result is written to a draft part by part."""

    shape: tuple[int, int, int]  #: (rows, columns, samples) of the draft
    dtype: np.dtype[Any]  #: of its samples

    def __init__(self, job: Job, picture: Picture) -> None:
        assert job.source is not None
        if job.collects or job.residual or job.settings.seeds > 1:
            raise OptionError(
                "--strength, --snapshots, --residual and --seeds need a picture in memory: remove them for a stack, "
                "a zarr folder, or a picture that is read part by part"
            )
        self.source_path, self.seen = job.source, stamp(job.source)
        super().__init__(job, picture)

    def digest(self) -> str:
        """The SHA-256 of the file; for a folder, of all its files."""
        return sha256_of(self.source_path)

    def check_unchanged(self) -> None:
        """Check that the file has not changed during the run.

        Raises:
            RunError: the file has changed since it was opened.
        """
        now = stamp(self.source_path)
        known = "sha256" in vars(self)  # if the hash is known, a new date alone does not count
        if now != self.seen and not (known and now and sha256_of(self.source_path) == self.sha256):
            raise RunError(
                f"{self.source_path}: has changed during the run; nothing was written: run it again"
            )

    @abstractmethod
    def check_target(self, target: Path, *, overwrite: bool) -> str:
        """Return the format of the output, after checking that it can be written."""

    @abstractmethod
    def stream(self, draft: Draft) -> "Stream":
        """Open the restoration into a draft; PyTorch is imported here."""

    @abstractmethod
    def copy(self, draft: Draft) -> None:
        """Copy the input to the draft, if there is nothing to restore."""

    @abstractmethod
    def encode(self, draft: Draft, part: Path, *, format: str) -> None:
        """Write the draft in the output's format, under a temporary name."""

    @abstractmethod
    def pixels_sha256(self, draft: Draft) -> str:
        """The hash of the samples in the draft."""
