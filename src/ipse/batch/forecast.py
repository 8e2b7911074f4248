"""errands ↦ a forecast for each: whether it would run, with estimates of time and memory (``--dry-run``).

    seconds ≈ a + b·n, bytes ≈ c + d·n          n pixels, of all planes

Only headers are read. The lines are fitted through the plans of the smallest and the largest picture of each kind:
whole, in tiles, in windows, or a stack.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ipse.batch.errands import Errand
from ipse.batch.fits import Fit, set_threads
from ipse.batch.listing import is_there
from ipse.batch.pairs import matched
from ipse.errors import InputError, one_line
from ipse.pictures import read_bytes
from ipse.pictures.files import check_place
from ipse.pictures.large import size_of
from ipse.pictures.read import size_in
from ipse.pictures.tiling import enlargement, side_for
from ipse.runs.job import Job
from ipse.runs.open import open_run, stack_of, takes_windows
from ipse.runs.plan import Plan
from ipse.runs.receipt import beside

Kind = Literal["whole", "tiles", "windows", "stack"]
State = Literal["restore", "earlier", "skipped", "failed"]


@dataclass(frozen=True)
class Outlook:
    """The forecast for one picture."""

    input: str  #: the path as given
    output: str
    state: State  #: "restore", or the state that its record would have
    size: tuple[int, int] | None = None  #: (H, W)
    planes: int = 1
    kind: Kind = "whole"
    seconds: float | None = None  #: upper bound for the fit
    memory: int | None = None  #: bytes that the fit needs
    error: str | None = None  #: one-line message

    @property
    def pixels(self) -> int:
        """The number of pixels of all planes."""
        return 0 if self.size is None else self.planes * self.size[0] * self.size[1]


@dataclass(frozen=True)
class Totals:
    """The totals of all pictures."""

    states: dict[State, int]
    workers: int  #: number of fits at a time
    seconds: float  #: upper bound, with the work divided among the workers
    memory: int  #: bytes of the largest fits that may run at the same time
    available: (
        int | None
    )  #: free memory in bytes; None if nothing was measured or the system does not report it


def forecast(
    errands: Sequence[Errand], *, workers: int = 1, threads: int | None = None
) -> tuple[list[Outlook], Totals]:
    """Forecast errands without writing anything.

    Args:
        errands: the errands of the run.
        workers: number of fits at a time.
        threads: threads per fit; None keeps PyTorch's default.
    """
    looks = [outlook(errand) for errand in errands]
    set_threads(threads)
    kinds: dict[Kind, list[int]] = defaultdict(list)
    for index, look in enumerate(looks):
        if look.state == "restore":
            kinds[look.kind].append(index)
    room: int | None = None
    for indices in kinds.values():
        plans = planned(errands, looks, sorted(indices, key=lambda index: looks[index].pixels))
        room = plans[0][1].available if plans else room
        for index in indices:
            if plans and looks[index].state == "restore":
                looks[index] = between(looks[index], plans[0], plans[-1])
    return looks, totals(looks, workers, room)


def outlook(errand: Errand) -> Outlook:
    """Forecast one errand from the file's header, and from hashes if the output exists."""
    told = Outlook(str(errand.source), str(errand.target), "restore")
    if errand.skip_existing and is_there(errand.target):
        return replace(told, state="skipped")
    try:
        if is_there(errand.target):
            there = Fit.of(errand)
            if there.earlier() is not None:
                return replace(told, state="earlier")
            if not (errand.job.overwrite or there.is_ours()):
                return replace(told, state="failed", error=f"{errand.target}: exists already")
        place = nearest(errand.target) / beside(errand.target).name
        check_place(place, overwrite=True)
        return header(told, job_of(errand))
    except InputError as error:
        return replace(told, state="failed", error=one_line(str(error)))


def header(told: Outlook, job: Job) -> Outlook:
    """Add the information in the picture's header.

    Raises:
        InputError: the file is not a picture.
    """
    assert job.source is not None
    stack = stack_of(job)
    if stack is not None:
        return replace(told, size=stack.size, planes=stack.count, kind="stack")
    size = size_of(job.source)
    if takes_windows(job):
        return replace(told, size=size, kind="windows")
    if size is None or job.source.is_dir():
        data, name = read_bytes(job.source)  # raises the right error for a folder
        size = size_in(data, name=name)
    side = side_for(size, told=job.settings.tile, factor=enlargement(job.options))
    return replace(told, size=size, kind="tiles" if side else "whole")


def job_of(errand: Errand) -> Job:
    """Return the job of an errand, with each folder option replaced by the file that matches the picture.

    Raises:
        InputError: there is no such file.
    """
    return replace(errand.job, options=matched(errand.job.options, errand.source, errand.inside))


def planned(
    errands: Sequence[Errand], looks: list[Outlook], indices: Sequence[int]
) -> list[tuple[int, Plan]]:
    """Plan the smallest and the largest picture; return pixels and plan of each. Invalid ones are marked as failed."""
    plans: list[tuple[int, Plan]] = []
    for order in (indices, indices[::-1]):
        for index in order:
            look = looks[index]
            if look.state != "restore":
                continue
            if plans and plans[0][0] == look.pixels:
                break
            try:
                plans.append((look.pixels, open_run(elsewhere(job_of(errands[index]))).input.plan()))
                break
            except InputError as error:
                looks[index] = replace(look, state="failed", error=one_line(str(error)))
    return plans


def elsewhere(job: Job) -> Job:
    """Return the job with a temporary output in an existing folder."""
    assert job.target is not None
    return replace(job, target=nearest(job.target) / f".ipse-forecast{job.target.suffix}", overwrite=True)


def nearest(path: Path) -> Path:
    """Return the nearest existing parent folder of a path."""
    return next(one for one in path.absolute().parents if one.is_dir())


def between(look: Outlook, one: tuple[int, Plan], other: tuple[int, Plan]) -> Outlook:
    """Interpolate a picture's seconds and bytes linearly between two plans."""
    (small, least), (large, most) = one, other
    share = (look.pixels - small) / (large - small) if large > small else 0.0
    seconds = least.seconds + share * (most.seconds - least.seconds)
    memory = least.memory + share * (most.memory - least.memory)
    return replace(look, seconds=round(max(0.0, seconds), 3), memory=round(memory))


def totals(looks: Sequence[Outlook], workers: int, available: int | None) -> Totals:
    """Compute the totals."""
    seconds = [look.seconds for look in looks if look.seconds is not None]
    memory = sorted((look.memory for look in looks if look.memory is not None), reverse=True)
    states: dict[State, int] = defaultdict(int)
    for look in looks:
        states[look.state] += 1
    most = max(sum(seconds) / workers, max(seconds, default=0.0))
    return Totals(dict(states), workers, round(most, 3), sum(memory[:workers]), available)
