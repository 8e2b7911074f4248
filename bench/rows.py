"""What was measured, a row each, in a CSV file that only ever grows: the last row of a kind counts.

A run that was cut goes on where it stood, for what is in the file is not measured again.
"""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

from ipse.errors import PictureError

Kind = Literal["result", "stops", "reference"]
Key = tuple[str, str, str, str, int]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement. None where there is nothing to say."""

    work: str
    case: str  #: the picture's name
    method: str
    kind: Kind
    seed: int
    size: str  #: of the result, width × height × channels
    psnr: float | None = None  #: dB
    ssim: float | None = None
    seconds: float | None = None  #: wall, imports excluded; a step's where the kind is reference
    cpu_seconds: float | None = None  #: user and system, of all threads and children
    memory: float | None = None  #: peak resident MiB of the process, interpreter and libraries included
    imports: float | None = None  #: seconds that importing took
    steps: int | None = None  #: that were taken; the recipe's where the kind is reference
    step: int | None = None  #: that was kept
    best_step: int | None = None  #: that had the highest PSNR
    best_psnr: float | None = None
    reason: str = ""  #: why the fit ended
    commit: str = ""
    machine: str = ""

    @property
    def key(self) -> Key:
        """What a later row of must agree in to take this one's place."""
        return (self.kind, self.work, self.case, self.method, self.seed)


def read(path: Path) -> dict[Key, Row]:
    """The rows of a file; none where there is no file.

    Raises:
        PictureError: the file is no table of this kind.
    """
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != HEADER:
            raise PictureError(f"{path} has other columns than this benchmark writes: give another --out")
        rows = [_row(line) for line in reader if None not in line.values()]
    return {row.key: row for row in rows}


def append(path: Path, row: Row) -> None:
    """Write one more row, at once and in one piece."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else b""
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        if not before:
            writer.writeheader()
        elif not before.endswith(b"\n"):  # a run was cut within a line: it must not spoil this one
            file.write("\r\n")
        writer.writerow({name: "" if value is None else value for name, value in asdict(row).items()})


def _row(line: dict[str, str]) -> Row:
    """A row of its text."""
    values: dict[str, Any] = {name: _value(TYPES[name], text) for name, text in line.items()}
    return Row(**values)


def _value(kind: object, text: str) -> object:
    """A cell's value."""
    if kind in (float | None, int | None) and not text:
        return None
    if kind == float | None:
        return float(text)
    return int(text) if kind in (int, int | None) else text


HEADER = [one.name for one in fields(Row)]
TYPES = get_type_hints(Row)
