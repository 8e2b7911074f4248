"""Watch folders for new pictures. A file becomes an errand once its size and date have stopped changing."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ipse.batch.errands import Errand, Order, place
from ipse.batch.fits import failed
from ipse.batch.records import Record
from ipse.errors import OptionError
from ipse.pictures.files import stamp

REST = 1.0  # seconds between two scans; a file that is unchanged in both counts as complete

SHARE = 9  # wait this multiple of the last scan's time, since a folder of 100,000 files takes seconds

Stamp = tuple[int, int]  # size and modification time


@dataclass
class Watch:
    """The state of a watch.

    Raises:
        OptionError: a given path is not a folder.
    """

    order: Order
    rest: float = REST
    looked: dict[Path, Stamp] = field(default_factory=dict[Path, Stamp])  #: files and stamps of the last scan
    taken: dict[Path, Stamp] = field(default_factory=dict[Path, Stamp])
    takers: dict[str, Path] = field(default_factory=dict[str, Path])  #: output ↦ picture

    def __post_init__(self) -> None:
        for path in self.order.pictures:
            if not path.is_dir():
                raise OptionError(
                    f"--watch needs folders, and {path} is not one: give the folder that contains it"
                )

    def __iter__(self) -> Iterator[Errand | Record | None]:
        """Yield errands forever, and None when there is no new one."""
        begun = last = -self.rest
        while True:
            if time.monotonic() - last < max(self.rest, SHARE * (last - begun)):
                yield None
                continue
            begun = time.monotonic()
            found = list(self.look())
            last = time.monotonic()
            yield from found

    def look(self) -> Iterator[Errand | Record]:
        """The errands for files that are new and no longer change."""
        for found in self.order.listing().found:
            now, before = stamp(found.source), self.looked.get(found.source)
            if now is None or not now[0]:  # deleted, or still empty
                continue
            self.looked[found.source] = now
            if now == before and self.taken.get(found.source) != now:
                self.taken[found.source] = now
                yield self.apart(self.order.errand(found))

    def apart(self, errand: Errand) -> Errand | Record:
        """Return an errand, or a failed record if its output belongs to another picture."""
        first = self.takers.setdefault(place(errand.target), errand.source)
        if first == errand.source:
            return errand
        said = f"{errand.source}: {errand.target} is already the output of {first}; rename one"
        return failed(errand, time.perf_counter(), said)
