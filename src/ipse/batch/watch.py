"""A folder that fills ↦ errands as they come: a file is taken once its size and date have rested for a moment."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ipse.batch.errands import Errand, Order, place
from ipse.batch.fits import failed
from ipse.batch.records import Record
from ipse.errors import OptionError
from ipse.pictures.files import stamp

REST = 1.0  # seconds between two looks: a file that is the same in both is whole

SHARE = 9  # times as long as a look took, the next is waited for: a folder of 100,000 files takes seconds

Stamp = tuple[int, int]  # size, date


@dataclass
class Watch:
    """What a watch remembers.

    Raises:
        OptionError: there is something else than folders to look at.
    """

    order: Order
    rest: float = REST
    looked: dict[Path, Stamp] = field(default_factory=dict[Path, Stamp])  #: at the last look
    taken: dict[Path, Stamp] = field(default_factory=dict[Path, Stamp])
    takers: dict[str, Path] = field(default_factory=dict[str, Path])  #: output ↦ picture

    def __post_init__(self) -> None:
        for path in self.order.pictures:
            if not path.is_dir():
                raise OptionError(
                    f"--watch needs folders, and {path} is not one: give the folder that contains it"
                )

    def __iter__(self) -> Iterator[Errand | Record | None]:
        """Errands without end, None while there is none."""
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
        """The errands of those files that are new and at rest."""
        for found in self.order.listing().found:
            now, before = stamp(found.source), self.looked.get(found.source)
            if now is None or not now[0]:  # gone, or nothing in it yet
                continue
            self.looked[found.source] = now
            if now == before and self.taken.get(found.source) != now:
                self.taken[found.source] = now
                yield self.apart(self.order.errand(found))

    def apart(self, errand: Errand) -> Errand | Record:
        """Return an errand; the refusal of one whose output is another's."""
        first = self.takers.setdefault(place(errand.target), errand.source)
        if first == errand.source:
            return errand
        said = f"{errand.source}: {errand.target} is already the output of {first}; rename one"
        return failed(errand, time.perf_counter(), said)
