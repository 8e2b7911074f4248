"""errands ↦ moments and records, the manifest kept: the one loop of every batch, wherever the fits run.

An engine pulls errands and yields what comes of them. Where an errand is to come later, None stands in for it, and an
engine that has nothing to say passes None on, so that whoever pulls can look at the clock, or leave.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from ipse.batch.errands import Errand
from ipse.batch.records import FULL, Manifest, Moment, Record
from ipse.errors import RunError

Source = Iterable[Errand | Record | None]  #: a record is of what was refused, and is passed on
Stream = Generator[Moment | Record | None]
Engine = Callable[[Source], Stream]

PAUSE = 0.1  # seconds, while there is nothing to do


def carried(source: Source, engine: Engine, manifest: Manifest | None = None) -> Stream:
    """Carry errands out and write down what becomes of them; stop pulling to cancel what is under way.

    Raises:
        RunError: the disk is full, or the manifest cannot be written: nothing that follows could be kept.
    """
    folders: set[Path] = set()
    try:
        with closing(engine(seen(source, folders))) as events:
            for event in events:
                if isinstance(event, Record):
                    keep(event, manifest)
                yield event
    finally:
        if manifest is not None:
            manifest.close()
        for folder in folders:
            with suppress(OSError):  # it is not there, or holds what another run goes on from
                folder.rmdir()


def seen(source: Source, folders: set[Path]) -> Iterator[Errand | Record | None]:
    """Pass errands on, and remember their hidden folders."""
    for errand in source:
        if isinstance(errand, Errand):
            folders.add(errand.hidden)
        yield errand


def keep(record: Record, manifest: Manifest | None) -> None:
    """Write a record down.

    Raises:
        RunError: the disk is full: the fits that follow would be lost.
    """
    if manifest is not None:
        manifest.add(record)
    if FULL in (record.error or ""):
        raise RunError(record.error)
