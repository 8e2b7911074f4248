"""(file y, task, options, settings) as data: the description of a restoration from file to file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ipse import devices, tasks
from ipse.pictures import FORMATS, Picture, able, format_for, read, read_bytes
from ipse.pictures.arrays import Named
from ipse.pictures.measurement import read_measurement
from ipse.runs.receipt import plain, sha256, sha256_of
from ipse.settings import Settings
from ipse.tasks._imported import located

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
    """How far the fit in a receipt went, and why it ended there."""

    pilots: int
    steps: int
    tiles: int | None
    runs: tuple[tuple[int, int], ...] | None  #: number of estimates and steps for each of several seeds
    reason: str


@dataclass(frozen=True)
class Job:
    """The restoration of one picture, from path to path."""

    task: str
    source: Path | None  #: None reads standard input, or nothing if the task needs no picture
    target: Path | None  #: None writes to standard output, without receipt or snapshots
    settings: Settings = field(default_factory=Settings)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])  #: the task's own
    strength: float | None = None  #: 0 (faithful) … 1 (smooth); None leaves the choice to the rule
    snapshots: bool = False  #: keep the trajectory beside the output
    residual: bool = False  #: write what was removed beside the output
    checkpoint: Path | None = None
    every: float = 30.0  #: seconds between checkpoints
    resume: bool = False
    overwrite: bool = False
    repeat: Repeat | None = None  #: run exactly as far as in a receipt
    axes: str | None = None  #: axes of a stack in the file's order; None takes them from the file
    joint: str | None = None  #: the axis along which planes are restored together
    warm: bool = False  #: start each plane of a stack from the weights of the previous one

    @property
    def collects(self) -> bool:
        """Whether points of the trajectory are needed."""
        return self.snapshots or self.strength is not None


def given(job: Job) -> tuple[bytes, Picture]:
    """Read a job's picture; for a task that needs none, return a blank picture of one pixel.

    Returns:
        The file's bytes, and the picture in it.

    Raises:
        PictureError: there is no usable picture.
    """
    if job.source is None and tasks.sees(job.task) == "nothing":
        return b"", blank(job.task)
    data, name = read_bytes(job.source or "-")
    if tasks.sees(job.task) == "measurement":
        whole = job.options.get("operator") is not None
        return data, read_measurement(Named(data, name), row=job.options.get("row"), whole=whole)
    return data, read(Named(data, name))


def blank(task: str) -> Picture:
    """Return the picture of a task that needs none: one gray pixel, which says that the result is in 8-bit RGB."""
    return Picture.from_array(BLANK, name=task)


def default_target(task: str, source: Path, *, suffix: str = SUFFIX) -> Path:
    """The default output path of a task: beside the input, in the same format.

    What is reconstructed from a measurement is floats: .npy beside NumPy's files, else .tif.

    PNG stands in for JPEG, which would undo what ``dejpeg`` did, and for what can be read but not written. Where the
    file may hold what its own format cannot be written with, or PNG, a look into it tells.
    """
    if tasks.sees(task) == "measurement":
        kind = ".npy" if source.suffix.lower() in (".npy", ".npz") else ".tif"
        return source.with_name(f"{source.stem}{suffix}{kind}")
    known = {suffix for form in FORMATS for suffix in form.suffixes} | {ZARR}
    known -= JPEG if task == "dejpeg" else set()
    kind = source.suffix if source.suffix.lower() in known else ".png"
    if source.suffix.lower() not in SURE:
        kind = able(source, kind)
    return source.with_name(f"{source.stem}{suffix}{kind}")


def recorded(task: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's options for a receipt, with files by path and hash, and code by name, path and hash.

    Raises:
        PictureError: a file cannot be read.
        OptionError: a module cannot be found.
    """
    code = {one.name for one in tasks.options(task) if one.code and isinstance(options.get(one.name), str)}
    return {
        key: {"name": value} | file_record(located(value))
        if key in code
        else file_record(value)
        if isinstance(value, Path)
        else plain(value)
        for key, value in options.items()
    }


def fingerprint(job: Job, picture: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint of the job depends on.

    Args:
        job: the job.
        picture: the SHA-256 of its picture.
        options: its options for a receipt; files count by content, not by path.
    """
    named = {key: value for key, value in options.items() if isinstance(job.options[key], Path)}
    return {
        "task": job.task,
        "picture": picture,
        "options": {key: value for key, value in options.items() if key not in named},
        "files": {key: record["sha256"] for key, record in named.items()},
        "settings": asdict(job.settings),
        "snapshots": job.collects,
        "stack": [job.axes, job.joint, job.warm],
        "version": devices.versions().get("ipse"),
    }


def piped_format(job: Job, picture: Picture) -> str | None:
    """The format for standard output: that of the input, but PNG for JPEG, whose compression would undo the work."""
    if job.target is not None:
        return None
    own = format_for(picture, "-").name
    return "PNG" if own == "JPEG" and picture.model != "cmyk" else own


def file_record(path: Path) -> dict[str, str]:
    """Return a file's entry for a receipt: its path and hash.

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
        return sha256(read_bytes(path)[0])  # raises the right error
