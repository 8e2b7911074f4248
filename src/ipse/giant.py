"""file y → Source → Windowed → Draft → file x*: the job of a picture that is never whole in memory, under way.

It is a ``Run`` like any other: the same events, receipt and checkpoint. What takes this way is chosen by the number of
pixels and by the memory there is.
"""

import hashlib
import secrets
import time
import weakref
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse import machine, tasks
from ipse.checkpoint import Checkpoint
from ipse.errors import OutputError
from ipse.job import Job, fingerprint
from ipse.pictures import Picture, check_target, write_bytes
from ipse.pictures.files import check_place
from ipse.plan import Plan, plan
from ipse.receipt import Receipt, beside
from ipse.report import report
from ipse.run import Run
from ipse.tiles import LARGE, MULTIPLE, count, enlargement, side_for
from ipse.windows import FORMATS, Draft, Source, check_room, encode, opened, size_of
from ipse.windows.open import is_zarr
from ipse.windows.source import bands

if TYPE_CHECKING:
    from ipse.restoration import Restoration

GIANT = 1 << 26  # pixels of a result from which it is never whole in memory, whatever there is of it
HELD = 60  # bytes a pixel that a run in tiles holds of an RGB picture: five float32 copies
SHARE = 0.5  # of the free memory that these may take
BLOCK = 1 << 20  # bytes that are hashed at once


def run_of(job: Job) -> Run:
    """Open a job, through windows where its picture is too large to be held.

    Raises:
        InputError: as ``Run``.
    """
    if job.source is None or not takes_windows(job):
        return Run(job)
    source = opened(job.source, coefficients=job.task == "dejpeg")
    return Run(job) if source is None else GiantRun(job, source)


def takes_windows(job: Job) -> bool:
    """Whether a job's picture, by its header, is one for windows, and the job asks for nothing they do not have."""
    if job.source is None or job.target is None or not tasks_in_parts(job.task, job.options):
        return False
    if is_zarr(job.source) or is_zarr(job.target):
        return True
    if job.collects or job.settings.seeds > 1 or job.settings.tile == 0:
        return False
    size = size_of(job.source)
    pixels = 0 if size is None else size[0] * size[1] * enlargement(job.options) ** 2
    if pixels < LARGE or pixels >= GIANT:
        return pixels >= GIANT
    room = machine.memory_available()
    return room is not None and HELD * pixels > SHARE * room


def tasks_in_parts(task: str, options: Mapping[str, Any]) -> bool:
    """Whether a task sees its picture in parts, alone, and nothing lies over it."""
    files = any(isinstance(value, Path) for value in options.values())
    return task in tasks.names() and tasks.sees(task) == "parts" and not (files or tasks.panels(task))


class GiantRun(Run):
    """A job under way whose picture is seen through windows.

    Args:
        job: the job, with a source and a target.
        source: its picture.

    Raises:
        InputError: for all that can be refused without a fit, too little room on the disk among it.
    """

    def __init__(self, job: Job, source: Source) -> None:
        self.source, self.factor = source, enlargement(job.options)
        self.side = side_for(source.size, told=job.settings.tile, factor=self.factor) or _whole(source.size)
        self.started, self.earlier, self.pilots = time.perf_counter(), 0.0, 0
        self.job, self.data, self.files = job, b"", dict[str, dict[str, str]]()
        self.picture = replace(self.first_tile(), frames=source.frames)
        self.format = self.check_places()

    def first_tile(self) -> Picture:
        """What the memory is checked on."""
        height, width = (min(self.side, side) for side in self.source.size)
        return self.source.crop(slice(0, height), slice(0, width))

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the result."""
        return self.source.size[0] * self.factor, self.source.size[1] * self.factor

    @property
    def target(self) -> Path:
        """Where the result goes."""
        assert self.job.target is not None
        return self.job.target

    def check_places(self) -> str:
        """Refuse every place that could not be written, or is too small; return the output's format."""
        job, name = self.job, "ZARR"
        if is_zarr(self.target):
            check_place(self.target, overwrite=False)
        else:
            name = check_target(self.picture, self.target, overwrite=job.overwrite, size=self.size)
        if name not in FORMATS:
            raise OutputError(
                f"{self.target}: {name} is not written part by part, as a picture of "
                f"{self.size[1]}×{self.size[0]} must be: give .tif, .png, .jpg or .zarr"
            )
        check_place(beside(self.target), overwrite=True)
        if self.checkpoint is not None:
            self.checkpoint.check(resume=job.resume, overwrite=job.overwrite)
        elif job.resume:
            raise OutputError("--resume goes on from a checkpoint: add --checkpoint FILE")
        check_room(self.target.absolute().parent, 2 * self.source.bytes * self.factor**2)
        return name

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
        return Checkpoint(self.job.checkpoint, marks, every=self.job.every)

    @cached_property
    def draft(self) -> Draft:
        """The rows of the result; they outlive a kill where there is a checkpoint."""
        shape, saved = (*self.size, self.source.samples), self.job.checkpoint
        if saved is None:
            path = self.target.absolute().with_name(f".ipse-{secrets.token_hex(6)}.tmp")
        else:
            path = saved.absolute().with_name(saved.name + ".rows")
        resume = saved is not None and self.job.resume and saved.exists()
        made = Draft(path, shape, self.source.dtype, resume=resume)
        weakref.finalize(self, made.close, remove=saved is None)
        return made

    @cached_property
    def restoration(self) -> "Restoration":
        """The stream; PyTorch is imported here."""
        from ipse.windowed import Windowed

        job = self.job
        return Windowed(self.source, self.draft, job.task, job.settings, job.options, side=self.side)

    def finish(self, *, cancelled: bool = False) -> Receipt:
        """Write what there is, and its receipt; a finished run's draft and checkpoint are removed.

        Raises:
            RunError: there was nothing yet to write, or writing failed.
        """
        result = self.restoration.result()
        if result.unchanged:
            self.copy()
        encode(self.draft, self.target, like=self.picture, format=self.format, overwrite=self.job.overwrite)
        said = report(self, result, step=result.step, picture=self.picture, data=b"", cancelled=cancelled)
        said = replace(
            said,
            input_sha256=self.input_sha256,
            output_sha256=sha256_of(self.target),
            pixels_sha256=self.pixels_sha256(),
        )
        write_bytes(beside(self.target), said.to_json().encode(), overwrite=True)
        going_on = cancelled and self.checkpoint is not None
        self.draft.close(remove=not going_on)
        if self.checkpoint is not None and not cancelled:
            self.checkpoint.remove()
        return said

    def copy(self) -> None:
        """Put the picture into the draft as it came."""
        from ipse.windowed import samples_of

        for rows in bands(self.source.size[0]):
            self.draft.write(rows.start, samples_of(self.source.crop(rows, slice(0, self.source.size[1]))))

    def pixels_sha256(self) -> str:
        """The hash of what is seen, as of a picture in memory: colours, then alpha."""
        height, width = self.size
        channels, kind = self.source.channels, self.source.dtype.str
        digest = hashlib.sha256()
        shape = (height, width) if channels == 1 else (height, width, channels)
        digest.update(f"{kind}{shape};".encode())
        for rows in bands(height):
            digest.update(self.draft.read(rows)[..., :channels].tobytes())
        digest.update(f"{kind}{(height, width)};".encode() if self.source.alpha else b"none;")
        for rows in bands(height) if self.source.alpha else ():
            digest.update(self.draft.read(rows)[..., channels:].tobytes())
        return digest.hexdigest()


def plan_of(run: Run) -> Plan:
    """What a run would take; of a picture in windows, what a tile takes, as often as there are tiles."""
    made = plan(run.picture, run.job.task, run.job.settings, run.job.options)
    if not isinstance(run, GiantRun):
        return made
    parts = count(run.source.size, tile=run.side)
    band = 4 * run.source.channels * run.side * run.source.size[1] * run.factor**2
    seconds = min(made.seconds * parts, run.job.settings.seconds or float("inf"))
    return replace(
        made, size=run.source.size, tiles=parts, seconds=round(seconds, 3), memory=made.memory + 2 * band
    )


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


def _whole(size: tuple[int, int]) -> int:
    """The side of one tile that holds all."""
    return -(-max(size) // MULTIPLE) * MULTIPLE
