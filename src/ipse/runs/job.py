"""(file y, task, options, settings) as data: what is to be restored, how, and where to put it."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ipse import devices, tasks
from ipse.errors import InputError
from ipse.pictures import FORMATS, Picture, able, format_for, read, read_bytes
from ipse.runs.receipt import Receipt, sha256, sha256_of
from ipse.settings import Settings

SUFFIX = "_ipse"
BLANK = np.full((1, 1, 3), 128, np.uint8)
ZARR = ".zarr"
JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
SURE = JPEG | {
    ".png",
    ".tif",
    ".tiff",
    ".webp",
    ".avif",
    ".gif",
    ZARR,
}  # hold whatever is read from a file so named


@dataclass(frozen=True)
class Repeat:
    """How far a fit went that is to be repeated, and why it ended there."""

    pilots: int
    steps: int
    tiles: int | None
    runs: tuple[tuple[int, int], ...] | None  #: pilots and steps of each of several seeds
    reason: str


@dataclass(frozen=True)
class Job:
    """One picture's restoration, from path to path."""

    task: str
    source: Path | None  #: None reads standard input, or nothing where the task needs no picture
    target: Path | None  #: None writes to standard output, without receipt or snapshots
    settings: Settings = field(default_factory=Settings)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])  #: the task's own
    strength: float | None = None  #: 0 (faithful) … 1 (smooth); None leaves the choice to the rule
    snapshots: bool = False  #: keep the trajectory beside the output
    checkpoint: Path | None = None
    every: float = 30.0  #: seconds between checkpoints
    resume: bool = False
    overwrite: bool = False
    repeat: Repeat | None = None  #: go exactly as far as a receipt says
    axes: str | None = None  #: of a stack, in the file's order; None takes what the file says
    joint: str | None = None  #: the axis along which planes are restored together
    warm: bool = False  #: fits of a stack start from the weights of the plane before

    @property
    def collects(self) -> bool:
        """Whether points of the trajectory are wanted."""
        return self.snapshots or self.strength is not None


def given(job: Job) -> tuple[bytes, Picture]:
    """Read a job's picture; of a task that needs none, nothing, and a blank of one pixel.

    Returns:
        The file's bytes, and the picture in it.

    Raises:
        PictureError: there is no usable picture.
    """
    if job.source is None and tasks.sees(job.task) == "nothing":
        return b"", blank(job.task)
    data, name = read_bytes(job.source or "-")
    return data, read(_Named(data, name))


def blank(task: str) -> Picture:
    """Return the picture of a task that needs none: one gray pixel, which says that the result is in 8-bit RGB."""
    return Picture.from_array(BLANK, name=task)


class _Named(io.BytesIO):
    """Bytes in memory that errors can name."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def default_target(task: str, source: Path, *, suffix: str = SUFFIX) -> Path:
    """Where a task's output goes if nobody says: beside the input, as a file of its kind.

    PNG stands in for JPEG, which would undo what ``dejpeg`` did, and for what can be read but not written. Where the
    file may hold what its own format cannot be written with, or PNG, a look into it tells.
    """
    known = {suffix for form in FORMATS for suffix in form.suffixes} | {ZARR}
    known -= JPEG if task == "dejpeg" else set()
    kind = source.suffix if source.suffix.lower() in known else ".png"
    if source.suffix.lower() not in SURE:
        kind = able(source, kind)
    return source.with_name(f"{source.stem}{suffix}{kind}")


def fingerprint(job: Job, data: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint of the job hangs on.

    Args:
        job: the job.
        data: the bytes of its picture.
        options: its options as a receipt has them; files count by content, wherever they lie.
    """
    named = {key: value for key, value in options.items() if isinstance(job.options[key], Path)}
    return {
        "task": job.task,
        "picture": sha256(data),
        "options": {key: value for key, value in options.items() if key not in named},
        "files": {key: record["sha256"] for key, record in named.items()},
        "settings": asdict(job.settings),
        "snapshots": job.collects,
        "version": devices.versions().get("ipse"),
    }


def piped_format(job: Job, picture: Picture) -> str | None:
    """The format of standard output: the input's own, but PNG for JPEG, which would undo the work."""
    if job.target is not None:
        return None
    own = format_for(picture, "-").name
    return "PNG" if own == "JPEG" and picture.model != "cmyk" else own


def repeated(
    said: Receipt, *, source: Path | None = None, target: Path | None, overwrite: bool = False
) -> Job:
    """Return the job that makes a receipt's output again.

    A clock or a person may have ended it: it takes the same pilots and steps, whatever the time.

    Args:
        said: the receipt.
        source: the input, if it is no longer where it was (or came from standard input).
        target: the new output.
        overwrite: whether ``target`` may be replaced.

    Raises:
        InputError: the input, or a file among the options, is not there or has changed.
    """
    place = source or (None if said.input is None else Path(said.input))
    if place is not None:
        check_same(place, said.input_sha256)
    elif tasks.sees(said.task) != "nothing":
        raise InputError("the receipt's input came from standard input: name the file with --input")
    options = {key: _option(value) for key, value in said.options.items()}
    return Job(
        task=said.task,
        source=place,
        target=target,
        settings=settings_of(said),
        options=options,
        strength=said.strength,
        overwrite=overwrite,
        repeat=Repeat(said.pilots, said.steps, said.tiles, runs_of(said), said.reason),
        axes=said.stack.get("axes"),
        joint=said.stack.get("joint"),
        warm=said.stack.get("warm", False),
    )


def settings_of(said: Receipt) -> Settings:
    """Return a receipt's settings, less the clock, on the device that it names.

    Raises:
        InputError: it has settings or options that this ipse does not know, or values that they cannot have.
    """
    known = {f.name for f in fields(Settings)} | {one.name for one in tasks.options(said.task)}
    strange = sorted((said.settings.keys() | said.options.keys()) - known)
    if strange:
        raise InputError(
            f"the receipt has {', '.join(strange)}, which this ipse does not know: use that of then"
        )
    try:
        return replace(Settings(**said.settings), seconds=None, device=said.device.get("name", "auto"))
    except TypeError as error:
        raise InputError(f"the receipt's settings are damaged ({error}): take another copy of it") from error


def runs_of(said: Receipt) -> tuple[tuple[int, int], ...] | None:
    """Return how far each of several seeds went; None where there was one, or tiles.

    Raises:
        InputError: they are no pairs of numbers.
    """
    try:
        return tuple((int(pilots), int(steps)) for pilots, steps in said.runs) or None
    except (TypeError, ValueError) as error:
        raise InputError(f"the receipt's runs are damaged ({error}): take another copy of it") from error


def file_record(path: Path) -> dict[str, str]:
    """Return a file as a receipt names it: by place and by content.

    Raises:
        PictureError: it cannot be read.
    """
    return {"path": str(path.absolute()), "sha256": digest_of(path)}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, or a zarr folder, of any size.

    Raises:
        PictureError: it cannot be read.
    """
    try:
        return sha256_of(path) if path.is_file() or path.suffix == ZARR else sha256(read_bytes(path)[0])
    except OSError:
        return sha256(read_bytes(path)[0])  # which says what is wrong with it


def check_same(path: Path, digest: str) -> None:
    """Check that a file, or a zarr folder, is the one that was there.

    Raises:
        InputError: it is gone, or has changed.
    """
    if digest_of(path) != digest:
        raise InputError(f"{path} has changed since the receipt was written: give the original with --input")


def _option(value: Any) -> Any:
    """Turn a receipt's record of a file back into its path."""
    if not isinstance(value, dict):
        return value
    record = cast(dict[str, str], value)
    if set(record) != {"path", "sha256"}:
        raise InputError(f"the receipt's option {record!r} is damaged: take another copy of it")
    check_same(Path(record["path"]), record["sha256"])
    return Path(record["path"])
