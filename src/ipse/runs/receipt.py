"""(y, task, options, settings, seed) ↦ x*: everything that a result depends on, and its outcome, as JSON.

A receipt is enough to make the same file again (``ipse rerun``): the seed fixes everything random, the
thread count the order of sums, ``steps`` where a clock or a person stopped the fit.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast, get_origin

import numpy as np
from numpy.typing import NDArray

from ipse.errors import InputError

KIND = "ipse receipt"
SCHEMA = 1
SUFFIX = ".ipse.json"
BLOCK = 1 << 20  # bytes that are hashed at a time


@dataclass(frozen=True)
class Receipt:
    """The record of a run: input, options, settings, versions and outcome."""

    task: str
    input: str | None  #: absolute path; None for standard input
    input_sha256: str
    output: str | None  #: absolute path; None for standard output
    output_sha256: str  #: hash of the file
    pixels_sha256: str  #: hash of the samples in it, independent of the encoder
    options: dict[str, Any]  #: the task's own options; files are {"path": …, "sha256": …}
    settings: dict[str, Any]
    strength: float | None  #: the requested point of the trajectory; None if the rule chose
    snapshots: str | None  #: absolute path of the trajectory's snapshots
    estimates: dict[str, Any]  #: properties that the task estimated from the picture
    reason: str  #: the reason why the fit ended
    unchanged: bool  #: whether there was nothing to restore
    cancelled: bool  #: whether the user or the time budget ended the run
    pilots: int  #: number of first estimates
    step: int  #: the step that was kept; 0 is the first estimate
    steps: int  #: number of steps taken
    tiles: int | None  #: number of finished tiles; None if the picture was not tiled
    runs: list[
        Any
    ]  #: number of first estimates and steps for each of several seeds; empty for one seed, or tiles
    disagreement: dict[
        str, Any
    ]  #: path and statistics of the map of disagreement of several seeds; may be empty
    score: float | None  #: held-out score of the kept step
    pilot_score: float | None
    seconds: dict[str, float]  #: seconds of the first estimates, of the fit, and in total
    device: dict[str, str]  #: its name and model
    threads: int
    versions: dict[str, str]
    created: str  #: ISO 8601, UTC
    stack: dict[str, Any] = field(default_factory=dict[str, Any])
    #: axes, joint axis and warm starts, if requested
    residual: dict[str, Any] = field(default_factory=dict[str, Any])
    #: paths and properties of what was removed; empty if the result has another size, or was written in parts

    def to_json(self) -> str:
        """Return the receipt as indented JSON, beginning with its kind and schema."""
        body = {"kind": KIND, "schema": SCHEMA} | cast(dict[str, Any], plain(asdict(self)))
        return json_text(body, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str = "the receipt") -> "Receipt":
        """Parse the text written by ``to_json``.

        Raises:
            InputError: it is no receipt, one of another schema, or damaged; the message names ``name``.
        """
        body = _object(text, name)
        if body.get("kind") != KIND:
            raise InputError(
                f"{name} is not an ipse receipt: give the {SUFFIX} file beside an output of ipse"
            )
        if body.get("schema") != SCHEMA:
            raise InputError(
                f"{name} has receipt schema {body.get('schema')!r}, expected {SCHEMA}: "
                "use the version of ipse that wrote it"
            )
        return cls(
            **{
                f.name: _checked(body, f.name, f.type, name)
                for f in fields(cls)
                if f.name in body or f.default_factory is MISSING  # older receipts have no stack, no residual
            }
        )

    @classmethod
    def read(cls, path: Path) -> "Receipt":
        """Read the receipt in a file.

        Raises:
            InputError: the file cannot be read, or is no receipt.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}): give the path of a receipt"
            ) from error
        return cls.from_json(data, name=str(path))


def beside(output: Path) -> Path:
    """The path of an output's receipt."""
    return output.with_name(output.name + SUFFIX)


def pending(output: Path) -> Path:
    """The path of a pending receipt, which exists while the output is renamed."""
    return output.with_name(f".{output.name}.pending")


def awaited(output: Path) -> Receipt | None:
    """Return the pending receipt of the file at ``output``, if a kill came before it was renamed."""
    try:
        said = Receipt.read(pending(output))
    except InputError:
        return None
    return said if digest_of(output) == said.output_sha256 else None


def forget(output: Path, *said: Receipt) -> None:
    """Remove the pending receipt of an output that was not completed, unless it belongs to another run."""
    with suppress(OSError):
        if pending(output).read_bytes() in [one.to_json().encode() for one in said]:
            pending(output).unlink()


def settle(output: Path) -> None:
    """Rename the pending receipt, once the output has its name."""
    with suppress(FileNotFoundError):  # another run of the same job has done it
        pending(output).replace(beside(output))


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data``, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file; for a folder, of the names and contents of its files in order.

    Raises:
        OSError: the file does not exist, or cannot be read.
    """
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if path.is_dir():
            if not file.is_file():
                continue
            digest.update(str(file.relative_to(path)).encode())
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file or a zarr folder; None if it cannot be read or is empty."""
    try:
        return sha256_of(path) if path.stat().st_size else None
    except OSError:
        return None


def sha256_of_samples(*arrays: NDArray[Any] | None) -> str:
    """Return the SHA-256 of arrays' types, shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is None:
            digest.update(b"none;")
        else:
            digest.update(f"{array.dtype.str}{array.shape};".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def json_text(body: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Return JSON that is valid UTF-8; bytes of file names that are not text are escaped."""
    text = json.dumps(body, indent=indent, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode()


def plain(value: Any) -> Any:
    """Convert a value to JSON data; unsupported types become text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in cast(Sequence[Any], value)]
    listed = getattr(value, "tolist", None)  # NumPy's numbers and arrays, and tensors
    return str(value) if listed is None else plain(listed())


def _object(text: str | bytes, name: str) -> dict[str, Any]:
    """Parse a JSON object."""
    try:
        body = json.loads(text)
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError both
        raise InputError(
            f"{name} is not valid JSON: give the {SUFFIX} file beside an output of ipse"
        ) from error
    return cast(dict[str, Any], body) if isinstance(body, dict) else {}


def _checked(body: Mapping[str, Any], key: str, kind: Any, name: str) -> Any:
    """Return one field, checked against its declared type."""
    if key not in body:
        raise InputError(f"{name} lacks {key!r}: the receipt is damaged; use another copy of it")
    value = body[key]
    wanted = get_origin(kind) if get_origin(kind) in (dict, list) else kind
    if isinstance(value, int) and not isinstance(value, bool) and isinstance(0.0, wanted):
        value = float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is int):
        raise InputError(f"{name} has {key} = {value!r}: the receipt is damaged; use another copy of it")
    return value
