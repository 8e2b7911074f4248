"""file y → Source → Windowed → Draft → file x*: the job of a picture that is never whole in memory, under way.

It is a ``Run`` like any other: the same events, receipt and checkpoint. What takes this way is chosen by the number of
pixels and by the memory there is.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ipse import devices, tasks
from ipse.errors import OptionError, OutputError, RunError
from ipse.pictures import Picture, check_target
from ipse.pictures.files import stamp
from ipse.pictures.large import FORMATS, Source, encode, opened, size_of
from ipse.pictures.large.open import is_zarr
from ipse.pictures.large.source import bands
from ipse.pictures.stacks.stack import Stack, found_stack
from ipse.pictures.tiling import LARGE, MULTIPLE, enlargement, side_for
from ipse.runs.job import Job
from ipse.runs.outputs import Drafted
from ipse.runs.plan import Plan, plan
from ipse.runs.run import Run
from ipse.runs.stack import SUFFIXES, StackRun
from ipse.runs.windows_plan import plan_in_windows

if TYPE_CHECKING:
    from ipse.streams.stream import Stream

GIANT = 1 << 26  # pixels of a result from which it is never whole in memory, whatever there is of it
HELD = 60  # bytes a pixel that a run in tiles holds of an RGB picture: five float32 copies
SHARE = 0.5  # of the free memory that these may take


def run_of(job: Job, plain: Callable[[Job], Run] = Run) -> Run:
    """Open a job, through windows where its picture is too large to be held.

    Args:
        job: what is to be done.
        plain: how one picture is opened that can be held.

    Raises:
        InputError: as ``Run``.
    """
    if job.source is None:
        return plain(job)
    stack = stack_of(job)
    if stack is not None:
        return StackRun(job, stack.measured())
    if not takes_windows(job):
        return plain(job)
    source = opened(job.source, coefficients=job.task == "dejpeg")
    return plain(job) if source is None else GiantRun(job, source)


def stack_of(job: Job) -> Stack | None:
    """The stack in a job's file, by its header; None where there is one picture, or the task cannot take planes.

    Raises:
        OptionError: axes that do not fit, or a task that takes no stack.
    """
    places = [path for path in (job.source, job.target) if path is not None]
    named = len(places) == 2 and all(path.suffix.lower() in SUFFIXES for path in places)
    looked = job.axes is not None or (named and tasks_in_parts(job.task, job.options))
    stack = found_stack(job.source, axes=job.axes) if job.source is not None and looked else None
    if stack is None and (job.axes or job.joint or job.warm):
        raise OptionError(
            f"{job.source or 'standard input'}: is no stack: leave --axes, --joint and --warm out"
        )
    if stack is not None and not tasks_in_parts(job.task, job.options):
        raise OptionError(f"{job.task} takes no stack with these options: give it one picture")
    return stack


def takes_windows(job: Job) -> bool:
    """Whether a job's picture, by its header, is one for windows, and the job asks for nothing they do not have."""
    if job.source is None or job.target is None or not _through_windows(job):
        return False
    if is_zarr(job.source) or is_zarr(job.target):
        return True
    if job.collects or job.settings.seeds > 1 or job.settings.tile == 0:
        return False
    size = size_of(job.source)
    pixels = 0 if size is None else size[0] * size[1] * enlargement(job.options) ** 2
    if pixels < LARGE or pixels >= GIANT:
        return pixels >= GIANT
    room = devices.memory_available()
    return room is not None and HELD * pixels > SHARE * room


def tasks_in_parts(task: str, options: Mapping[str, Any]) -> bool:
    """Whether a task sees its picture in parts, alone, and nothing lies over it."""
    files = any(isinstance(value, Path) for value in options.values())
    return task in tasks.names() and tasks.sees(task) == "parts" and not (files or tasks.panels(task))


def _through_windows(job: Job) -> bool:
    """Whether a task sees its picture in parts, and what lies over it too."""
    if tasks_in_parts(job.task, job.options):
        return True
    settles = job.task in tasks.names() and tasks.laid(job.task) is not None
    return settles and isinstance(job.options.get("mask"), Path)


class GiantRun(Drafted):
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
        super().__init__(job)
        self.laid = {path: stamp(path) for path in job.options.values() if isinstance(path, Path)}
        settle = tasks.laid(job.task)
        self.told = job.options if settle is None else settle(source, **job.options)

    def first(self) -> Picture:
        """The first tile."""
        height, width = (min(self.side, side) for side in self.source.size)
        return replace(self.source.crop(slice(0, height), slice(0, width)), frames=self.source.frames)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the result."""
        return self.source.size[0] * self.factor, self.source.size[1] * self.factor

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, samples) of the result."""
        return (*self.size, self.source.samples)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its samples."""
        return self.source.dtype

    def check_places(self) -> str:
        """Refuse every place that could not be written, or is too small; return the output's format."""
        name = "ZARR"
        if is_zarr(self.target):
            self.check_folder()
        else:
            again = self.job.overwrite or self.settled is not None
            name = check_target(self.picture, self.target, overwrite=again, size=self.size)
        if name not in FORMATS:
            raise OutputError(
                f"{self.target}: {name} is not written part by part, as a picture of "
                f"{self.size[1]}×{self.size[0]} must be: give .tif, .png, .jpg or .zarr"
            )
        self.check_rest()
        return name

    @cached_property
    def restoration(self) -> "Stream":
        """The stream; PyTorch is imported here."""
        from ipse.streams.tiles import through_windows

        job = self.job
        return through_windows(self.source, self.draft, job.task, job.settings, self.told, side=self.side)

    def open(self, told: Mapping[str, Any] | None = None) -> None:
        """As of every run: the memory is that of a tile, with its part of what lies over the picture."""
        from ipse.streams.tiles import options_within

        place = (slice(0, side) for side in self.picture.size)
        super().open(options_within(self.told, self.source.size, *place) if told is None else told)

    def check_input(self) -> None:
        """As of every draft; what lies over the picture must not have changed either."""
        super().check_input()
        changed = [path for path, seen in self.laid.items() if stamp(path) != seen]
        if changed:
            raise RunError(f"{changed[0]}: has changed while it was used; nothing was written: run it again")

    def write_part(self, part: Path) -> None:
        """Write the draft as the output is, under a name that is not yet its own."""
        encode(self.draft, part, like=self.picture, format=self.format)

    def copy(self) -> None:
        """Put the picture into the draft as it came."""
        from ipse.streams.sums import samples_of

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
    """What a run would take; of a picture in windows, what a tile takes, as often as there are tiles.

    Of a stack, what a slab takes, as often as there are slabs.
    """
    if isinstance(run, GiantRun):
        return plan_in_windows(run.job, run.source, run.told, side=run.side)
    stack = isinstance(run, StackRun)
    picture, settings = run.planned() if stack else (run.picture, run.job.settings)
    made = plan(picture, run.job.task, settings, run.job.options)
    if not stack:
        return made
    limit = run.job.settings.seconds or float("inf")
    seconds = min(made.seconds * len(run.slabs), limit)
    return replace(made, size=run.stack.size, seconds=round(seconds, 3))


def _whole(size: tuple[int, int]) -> int:
    """The side of one tile that holds all."""
    return -(-max(size) // MULTIPLE) * MULTIPLE
