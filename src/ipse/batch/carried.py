"""errands ↦ moments and records: the main loop of every batch, which also writes the manifest.

An engine pulls errands and yields what comes of them. Where an errand is to come later, None stands in for it, and an
engine that has nothing to say passes None on, so that whoever pulls can look at the clock, or leave.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from ipse.batch.errands import Errand
from ipse.batch.records import FULL, Manifest, Moment, Record
from ipse.errors import RunError

Source = Iterable[Errand | Record | None]  #: a record stands for a refused picture, and is passed on
Stream = Generator[Moment | Record | None]
Engine = Callable[[Source], Stream]

PAUSE = 0.1  # seconds to sleep when there is nothing to do


def carried(source: Source, engine: Engine, manifest: Manifest | None = None) -> Stream:
    """Run errands and write a record of each. Stop iterating to cancel those under way.

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
            with suppress(OSError):  # missing, or holding checkpoints that another run will resume from
                folder.rmdir()


def seen(source: Source, folders: set[Path]) -> Iterator[Errand | Record | None]:
    """Pass errands on, and remember their hidden folders."""
    for errand in source:
        if isinstance(errand, Errand):
            folders.add(errand.hidden)
        yield errand


def keep(record: Record, manifest: Manifest | None) -> None:
    """Write a record to the manifest.

    Raises:
        RunError: the disk is full: the fits that follow would be lost.
    """
    if manifest is not None:
        manifest.add(record)
    if FULL in (record.error or ""):
        raise RunError(record.error)
