"""Job ↦ Run: decides whether a picture is read into memory, read window by window, or is a stack.

The choice between the first two depends on the number of pixels and the free memory.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipse import devices, tasks
from ipse.errors import OptionError
from ipse.pictures.large import opened, size_of
from ipse.pictures.large.open import is_zarr
from ipse.pictures.stacks.stack import Stack, found_stack
from ipse.pictures.tiling import LARGE, enlargement
from ipse.runs.inputs import InParts, WholeFile
from ipse.runs.job import Job
from ipse.runs.large import LargeFile
from ipse.runs.outputs import Bytes, InDraft
from ipse.runs.run import Run
from ipse.runs.stacks import SUFFIXES, StackFile

GIANT = 1 << 26  # number of pixels of a result from which it is always read window by window
HELD = 60  # bytes per pixel that a tiled run keeps for an RGB picture: five float32 copies
SHARE = 0.5  # fraction of the free memory that these may use


def open_run(job: Job) -> Run:
    """Open a job, after checking everything that can be checked without a fit.

    Raises:
        InputError: invalid paths, formats or options, or missing files.
    """
    return run_from(input_of(job))


def input_of(job: Job) -> WholeFile | InParts:
    """Open a job's input.

    Raises:
        InputError: see ``open_run``.
    """
    tasks.source(job.task)
    stack = None if job.source is None else stack_of(job)
    if stack is not None:
        return StackFile(job, stack.measured())
    source = None
    if job.source is not None and takes_windows(job):
        source = opened(job.source, coefficients=job.task == "dejpeg")
    return WholeFile(job) if source is None else LargeFile(job, source)


def run_from(source: WholeFile | InParts) -> Run:
    """The run of an input's job.

    Raises:
        InputError: see ``open_run``.
    """
    return Run(source.job, source, Bytes(source) if isinstance(source, WholeFile) else InDraft(source))


def stack_of(job: Job) -> Stack | None:
    """The stack in a job's file, by its header; None for a single picture, or if the task cannot restore planes.

    Raises:
        OptionError: the axes do not match, or the task does not support stacks.
    """
    places = [path for path in (job.source, job.target) if path is not None]
    named = len(places) == 2 and all(path.suffix.lower() in SUFFIXES for path in places)
    looked = job.axes is not None or (named and tasks_in_parts(job.task, job.options))
    stack = found_stack(job.source, axes=job.axes) if job.source is not None and looked else None
    if stack is None and (job.axes or job.joint or job.warm):
        raise OptionError(
            f"{job.source or 'standard input'}: is not a stack: remove --axes, --joint and --warm"
        )
    if stack is not None and not tasks_in_parts(job.task, job.options):
        raise OptionError(f"{job.task} does not support stacks with these options: give it a single picture")
    return stack


def takes_windows(job: Job) -> bool:
    """Whether to read a job's picture window by window, by its header, and the job's options allow it."""
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
    """Whether a task can be tiled and has no masks or other pictures among its options."""
    files = any(isinstance(value, Path) for value in options.values())
    return task in tasks.names() and tasks.sees(task) == "parts" and not (files or tasks.panels(task))


def _through_windows(job: Job) -> bool:
    """Whether a task can be tiled, including the masks among its options."""
    if tasks_in_parts(job.task, job.options):
        return True
    masked = job.task in tasks.names() and isinstance(job.options.get("mask"), Path)
    return masked and tasks.laid(job.task) is not None
