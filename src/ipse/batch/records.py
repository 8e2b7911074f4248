"""The manifest of a batch: one line of JSON per picture, appended as the batch proceeds.

The manifest is appended to after every fit, and synchronised once a second: a power cut can take a second's lines, and
tear one, which a reader passes over. The next run finds the finished outputs by their receipts, and says so again.
"""

import json
import os
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast

from ipse.errors import RunError, lack
from ipse.runs.receipt import json_text

State = Literal["done", "earlier", "skipped", "failed"]
SYNC = 1.0  # seconds between two calls of fsync
FULL = "the disk is full"
WORDS: dict[State, str] = {
    "done": "restored",
    "earlier": "done before",
    "skipped": "skipped",
    "failed": "failed",
}


@dataclass(frozen=True)
class Record:
    """The outcome for one picture."""

    task: str
    input: str  #: absolute path
    output: str  #: absolute path
    state: State  #: "earlier": finished by an earlier run; "skipped": the output exists and was not checked
    input_sha256: str | None = None
    output_sha256: str | None = None
    receipt: str | None = None  #: absolute path
    error: str | None = None  #: one-line message
    seconds: float = 0.0
    worker: str = ""  #: empty for this process
    foreseen: bool = True  #: whether ``error`` was expected, so that trying again would not help

    def to_json(self) -> str:
        """Return the record as one line."""
        told = asdict(self)
        del told["foreseen"]
        return json_text(told)

    @classmethod
    def from_json(cls, line: str) -> "Record | None":
        """Read a line written by ``to_json``; None if it is incomplete or something else."""
        try:
            body: object = json.loads(line)
        except ValueError:
            return None
        told = cast(dict[str, Any], body) if isinstance(body, dict) else {}
        try:
            return cls(**{f.name: told[f.name] for f in fields(cls) if f.name in told})
        except TypeError:
            return None


@dataclass(frozen=True)
class Moment:
    """The progress of a running fit."""

    input: str
    step: int  #: 0 is the first estimate
    steps: int | None
    seconds: float
    worker: str = ""


class Manifest:
    """The records of an output folder.

    Args:
        path: the manifest, created with the first record.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.synced = path, time.monotonic()
        self.hashes = {one.output: one.output_sha256 for one in read(path) if one.state != "failed"}

    def add(self, record: Record) -> None:
        """Append a record, unless it repeats the last one of its output.

        Raises:
            RunError: the manifest cannot be written (a full disk).
        """
        known = self.hashes.get(record.output) == record.output_sha256
        if record.state == "skipped" or (record.state == "earlier" and known):
            return
        late = time.monotonic() - self.synced >= SYNC
        try:
            append(self.path, record.to_json(), sync=late)
        except OSError as error:
            said = lack(error) or f"choose another --output ({error.strerror})"
            raise RunError(f"{self.path}: cannot be written: {said}") from error
        self.synced = time.monotonic() if late else self.synced

    def close(self) -> None:
        """Synchronise the file, so that all lines survive a power failure."""
        with suppress(OSError), self.path.open("rb") as file:  # it may not exist
            os.fsync(file.fileno())


def append(path: Path, line: str, *, sync: bool = True) -> None:
    """Append a line in one write, after an incomplete last line if there is one; ``sync`` also calls fsync."""
    with path.open("a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else f"\n{line}"
        file.write(f"{line}\n".encode())
        file.flush()
        if sync:
            os.fsync(file.fileno())


def read(path: Path) -> list[Record]:
    """Return the last record of every output, in the order of the first ones."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as file:
        records = [record for record in map(Record.from_json, file) if record is not None]
    return list({record.output: record for record in records}.values())


@dataclass
class Tally:
    """Counts for a one-line summary of a run."""

    states: Counter[State] = field(default_factory=Counter[State])
    total: int | None = None  #: None if the number of pictures is not known
    others: int = 0
    own: int = 0

    def add(self, record: Record) -> None:
        """Count a record."""
        self.states[record.state] += 1

    def line(self, *, manifest: Path) -> str:
        """Return the summary; errors are listed in the manifest."""
        said = [f"{self.states[state]} {word}" for state, word in WORDS.items() if self.states[state]]
        left = 0 if self.total is None else self.total - self.states.total()
        said += [f"{left} left"] if left else []
        said += [f"{self.others} other files"] if self.others else []
        said += [f"{self.own} earlier outputs skipped"] if self.own else []
        return f"{', '.join(said) or 'no pictures'}; see {manifest}"
