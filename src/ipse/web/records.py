"""What is known of a picture and of a job, as data: in a file of its folder, and on the page."""

import time
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

State = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
OVER = ("done", "failed", "cancelled")
CURVE = 400  # points at most


@dataclass(frozen=True)
class PictureRecord:
    """An upload."""

    id: str
    name: str  #: what the user calls it, for display and for saving
    file: str  #: the name of the stored file
    about: dict[str, Any]  #: what the file is
    created: float = field(default_factory=time.time)
    found: dict[str, Any] | None = None  #: what is wrong with it; None while nobody has looked
    mask_of: str | None = None  #: the picture whose mask it is
    said: str | None = None  #: of a mask: what was taken for the hole
    share: float | None = None  #: of a mask: what is to be filled, in 0 … 1


@dataclass(frozen=True)
class Progress:
    """How far a fit is."""

    pilots: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    score: float | None = None
    left: float | None = None  #: seconds, at most
    tile: int | None = None  #: tiles, or planes of a stack, that are done …
    tiles: int | None = None  #: … of so many
    preview: int = 0  #: counts the previews; 0 is none
    writing: bool = False


@dataclass(frozen=True)
class JobRecord:
    """A restoration."""

    id: str
    picture: str
    name: str
    task: str
    settings: dict[str, Any]
    options: dict[str, Any]  #: a file is {"picture": id}
    region: list[int] | None  #: left, top, width, height in stored pixels: a trial
    created: float
    changed: int = 0  #: grows with every change: of two accounts of a job, the later is true
    state: State = "queued"
    again: int = 0  #: times it went on from its checkpoint after its process had died
    ended: float | None = None
    error: str | None = None
    progress: Progress = field(default_factory=Progress)
    estimates: dict[str, Any] = field(default_factory=dict[str, Any])
    curve: list[list[float | None]] = field(default_factory=list[list[float | None]])  #: step, loss, score
    result: str | None = None  #: the name of the result's file
    size: list[int] | None = None  #: (H, W) of the result as stored
    points: list[int] = field(default_factory=list[int])  #: steps of the trajectory that were kept
    chosen: int | None = None  #: the one that the rule chose
    disagreement: bool = False  #: whether there is a map of where several seeds differ
    receipt: dict[str, Any] | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in OVER


def extended(curve: list[list[float | None]], point: list[float | None]) -> list[list[float | None]]:
    """Return a curve with one more point; every second one is left out where there are too many."""
    return [*(curve[::2] if len(curve) >= CURVE else curve), point]


def job_of(body: dict[str, Any]) -> JobRecord:
    """Read a job's file; fields that this version does not know are left out."""
    known = {f.name for f in fields(JobRecord)}
    told: dict[str, Any] = {name: value for name, value in body.items() if name in known}
    return replace(JobRecord(**told), progress=Progress(**body["progress"]))


def picture_of(body: dict[str, Any]) -> PictureRecord:
    """Read a picture's file."""
    known = {f.name for f in fields(PictureRecord)}
    return PictureRecord(**{k: v for k, v in body.items() if k in known})


def body_of(record: PictureRecord | JobRecord) -> dict[str, Any]:
    """Return a record as JSON has it."""
    return asdict(record)
