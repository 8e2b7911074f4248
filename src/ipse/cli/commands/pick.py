"""s ∈ [0, 1] ↦ x_t: another point of a trajectory, without a new fit."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ipse import tasks
from ipse.cli.numbers import reading
from ipse.errors import InputError, one_line
from ipse.pictures import Picture, check_target, read, write
from ipse.runs.job import blank
from ipse.runs.receipt import Receipt
from ipse.runs.rerun import check_same
from ipse.runs.snapshots import Trajectory


def command(
    *,
    snapshots: Annotated[Path, typer.Argument(help="A receipt, or the file written by --snapshots.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Output file; - is standard output.")],
    strength: Annotated[
        float | None,
        typer.Option(help="From 0 (faithful) to 1 (smooth). Default: the rule's choice.", **reading(float)),
    ] = None,
    input: Annotated[
        Path | None, typer.Option("--input", "-i", help="The original picture, if it has moved.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False,
) -> None:
    """Write another result of a run with --snapshots, smoother or more faithful, without a new fit."""
    trajectory = Trajectory.read(place_of(snapshots))
    step = trajectory.step_at(strength)
    original = original_of(trajectory.origin, input)
    pixels = trajectory.pixels(step)
    check_target(original, output, overwrite=overwrite, size=(pixels.shape[1], pixels.shape[2]))
    write(original.like(pixels, keep=trajectory.keep), output, overwrite=overwrite)
    if not quiet:
        print(one_line(f"{output}: {trajectory.said(step)}"), file=sys.stderr)


def place_of(path: Path) -> Path:
    """Return the snapshots: the given file, or the one named in a receipt.

    Raises:
        InputError: the receipt is of a run without snapshots.
    """
    if path.suffix != ".json":
        return path
    said = Receipt.read(path)
    if said.snapshots is None:
        raise InputError(f"{path} comes from a run without --snapshots: run it again with --snapshots")
    named = Path(said.snapshots)
    beside = path.with_name(named.name)  # both files may have been moved
    return named if named.exists() else beside


def original_of(origin: Any, moved: Path | None) -> Picture:
    """Return the original picture, for its metadata.

    Raises:
        InputError: it is missing, or has changed.
    """
    place = moved or (None if origin["input"] is None else Path(origin["input"]))
    if place is None and tasks.sees(origin["task"]) == "nothing":
        return blank(origin["task"])
    if place is None:
        raise InputError("these snapshots come from standard input: give the picture with --input")
    check_same(place, origin["input_sha256"])
    return read(place)
