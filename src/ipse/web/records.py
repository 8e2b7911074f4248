"""Records of pictures and jobs, as stored in their folders and sent to the page."""

import time
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

State = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
OVER = ("done", "failed", "cancelled")
CURVE = 400  # maximum number of points


@dataclass(frozen=True)
class PictureRecord:
    """An uploaded picture or mask."""

    id: str
    name: str  #: the user's name for it, for display and for saving
    file: str  #: name of the stored file
    about: dict[str, Any]  #: properties of the file
    created: float = field(default_factory=time.time)
    found: dict[str, Any] | None = None  #: the damage found; None before the analysis
    folder: str = ""  #: the folder that it came from, for an archive
    closer: bool = False  #: whether ``found`` is what ``enhance`` itself finds
    draft: bool | None = None  #: whether there is a quick first estimate; None if it was not asked for
    mask_of: str | None = None  #: for a mask: the picture that it belongs to
    said: str | None = None  #: for a mask: how it was interpreted
    share: float | None = None  #: for a mask: fraction of pixels to fill, from 0 to 1


@dataclass(frozen=True)
class Progress:
    """The progress of a fit."""

    pilots: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    score: float | None = None
    left: float | None = None  #: the remaining seconds; an upper bound while a network is fitted
    share: float | None = None  #: the share of the time that is over, from 0 to 1
    tile: int | None = None  #: number of tiles, or planes of a stack, that are done
    tiles: int | None = None  #: total number of tiles or planes
    preview: int = 0  #: number of previews so far
    writing: bool = False


@dataclass(frozen=True)
class JobRecord:
    """A restoration."""

    id: str
    picture: str
    name: str
    task: str
    settings: dict[str, Any]
    options: dict[str, Any]  #: files are given as {"picture": id}
    region: list[int] | None  #: left, top, width and height in stored pixels, for a trial
    created: float
    changed: int = 0  #: increases with every change, so that the latest of several records can be told
    state: State = "queued"
    again: int = 0  #: number of times it was resumed after its process had died
    ended: float | None = None
    error: str | None = None
    progress: Progress = field(default_factory=Progress)
    estimates: dict[str, Any] = field(default_factory=dict[str, Any])
    curve: list[list[float | None]] = field(default_factory=list[list[float | None]])  #: step, loss, score
    result: str | None = None  #: file name of the result
    size: list[int] | None = None  #: (H, W) of the result as stored
    points: list[int] = field(default_factory=list[int])  #: saved steps of the trajectory
    chosen: int | None = None  #: the step chosen by the stopping rule
    disagreement: bool = False  #: whether there is a map of the disagreement of several seeds
    removed: bool = False  #: whether there is a view of what was removed
    receipt: dict[str, Any] | None = None

    @property
    def over(self) -> bool:
        """Whether the job has ended."""
        return self.state in OVER


def extended(curve: list[list[float | None]], point: list[float | None]) -> list[list[float | None]]:
    """Return the curve with one more point; if there are too many points, every second one is dropped."""
    return [*(curve[::2] if len(curve) >= CURVE else curve), point]


def job_of(body: dict[str, Any]) -> JobRecord:
    """Read a job's file, ignoring fields that this version does not know."""
    known = {f.name for f in fields(JobRecord)}
    told: dict[str, Any] = {name: value for name, value in body.items() if name in known}
    return replace(JobRecord(**told), progress=Progress(**body["progress"]))


def picture_of(body: dict[str, Any]) -> PictureRecord:
    """Read a picture's file."""
    known = {f.name for f in fields(PictureRecord)}
    return PictureRecord(**{k: v for k, v in body.items() if k in known})


def body_of(record: PictureRecord | JobRecord) -> dict[str, Any]:
    """Return a record as JSON data."""
    return asdict(record)
