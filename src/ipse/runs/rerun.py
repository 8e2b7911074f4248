"""Receipt ↦ Job: repeat the run of a receipt."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

from ipse import tasks
from ipse.errors import InputError
from ipse.runs.job import Job, Repeat, digest_of
from ipse.runs.receipt import Receipt
from ipse.settings import Settings
from ipse.tasks._imported import located


def repeated(
    said: Receipt, *, source: Path | None = None, target: Path | None, overwrite: bool = False
) -> Job:
    """Return the job that repeats the run of a receipt.

    If the time budget or the user ended the run, the job takes the same number of steps, however long they take.

    Args:
        said: the receipt.
        source: the input, if it has moved (or came from standard input).
        target: the new output.
        overwrite: whether ``target`` may be replaced.

    Raises:
        InputError: the input, or a file among the options, is missing or has changed.
    """
    place = source or (None if said.input is None else Path(said.input))
    if place is not None:
        check_same(place, said.input_sha256)
    elif tasks.sees(said.task) != "nothing":
        raise InputError("the receipt's input came from standard input: give the file with --input")
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
    """Return a receipt's settings, without the time budget, on the same device.

    Raises:
        InputError: settings or options are unknown to this version of ipse, or have invalid values.
    """
    known = {f.name for f in fields(Settings)} | {one.name for one in tasks.options(said.task)}
    strange = sorted((said.settings.keys() | said.options.keys()) - known)
    if strange:
        raise InputError(
            f"the receipt has {', '.join(strange)}, written by another version of ipse: use that version"
        )
    try:
        return replace(Settings(**said.settings), seconds=None, device=said.device.get("name", "auto"))
    except TypeError as error:
        raise InputError(f"the receipt's settings are damaged ({error}): use another copy of it") from error


def runs_of(said: Receipt) -> tuple[tuple[int, int], ...] | None:
    """Return how far each of several seeds went; None for a single seed, or tiles.

    Raises:
        InputError: they are not pairs of numbers.
    """
    try:
        return tuple((int(pilots), int(steps)) for pilots, steps in said.runs) or None
    except (TypeError, ValueError) as error:
        raise InputError(f"the receipt's runs are damaged ({error}): use another copy of it") from error


def check_same(path: Path, digest: str) -> None:
    """Check that a file or a zarr folder has not changed.

    Raises:
        InputError: it is missing, or has changed.
    """
    if digest_of(path) != digest:
        raise InputError(f"{path} has changed since the receipt was written: give the original with --input")


def _option(value: Any) -> Any:
    """Convert a receipt's entry of a file back to its path, and that of code to its name."""
    if not isinstance(value, dict):
        return value
    record = cast(dict[str, str], value)
    if set(record) == {"name", "path", "sha256"}:
        if digest_of(located(record["name"])) != record["sha256"]:
            raise InputError(
                f"{record['name']} is not the receipt's code, which was in {record['path']}: run it there, unchanged"
            )
        return record["name"]
    if set(record) != {"path", "sha256"}:
        raise InputError(f"the receipt's option {record!r} is damaged: use another copy of it")
    check_same(Path(record["path"]), record["sha256"])
    return Path(record["path"])
