"""Whether white marks what is known or what is lost: lost pixels are of one colour, which ends where the mask does.

Two parts of a picture are compared, a band of rows at a time.
"""

from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ipse.pictures.levels import Pixels
from ipse.pictures.marks import SAME, SOFT, Marks
from ipse.pictures.shown import Flags, Shown, windows

TRACE = 1 / 512  # of the scale: less than a level of 8 bits is nothing
# share of what is known that is at the very end of the scale, where a mask has no noise of its own
CLEAN = 0.9
ONE_COLOUR = 0.95  # share of a region that makes it "of one colour" …
VARIED = 0.8  # … and share below which it is not
FINE = 65535  # levels of which a median is found

Polarity = Literal["auto", "white-is-hole", "white-is-known"]


class Parts:
    """What the white and the black part of a mask hold of a picture, band by band."""

    def __init__(self, marks: Marks, picture: Shown) -> None:
        self.marks, self.picture = marks, picture
        self.total = picture.size[0] * picture.size[1]

    @cached_property
    def counts(self) -> tuple[int, int]:
        """How many values are white, and how many are soft."""
        ends, white, soft = self.marks.ends, 0, 0
        for place in windows(self.picture.size):
            values = self.marks.values(*place)
            white, soft = white + int(np.count_nonzero(ends.white(values))), soft + ends.soft(values)
        return white, soft

    @property
    def share(self) -> float:
        """Of the picture, that is white."""
        return self.counts[0] / self.total

    @property
    def soft(self) -> float:
        """Share of values that are neither white nor black."""
        return self.counts[1] / self.total

    def margin(self, inverted: bool) -> float:
        """How far from what is known the hole begins: nowhere where nearly all of that is of one value to the bit."""
        end, exact, near = (self.marks.ends.high if inverted else self.marks.ends.low), 0, 0
        for place in windows(self.picture.size):
            values = self.marks.values(*place)
            part = self.marks.ends.white(values) == inverted
            exact += int(np.count_nonzero(values[part] == end))
            near += int(np.count_nonzero(part))
        return TRACE if exact >= CLEAN * near else SOFT[0]

    def covered(self, inverted: bool, margin: float) -> float:
        """Share of the picture that is to be filled."""
        places = windows(self.picture.size)
        holes = (self.marks.hole(*place, inverted=inverted, margin=margin) for place in places)
        return sum(int(np.count_nonzero(one)) for one in holes) / self.total

    @property
    def tells(self) -> bool:
        """Whether the picture is of one colour in one part alone, or the mask shows the picture."""
        return self.marks.kind == "difference" or self.looks_lost(True) != self.looks_lost(False)

    @cached_property
    def medians(self) -> tuple[Pixels, Pixels]:
        """The median colour (C, 1, 1) of the white part, and of the black."""
        bins: Any = 0
        for place in windows(self.picture.size):
            white, pixels = self.marks.white(*place), self.picture.crop(*place).pixels
            levels = np.rint(pixels * FINE).astype(np.int32)
            bins = bins + np.array(
                [[np.bincount(one[part], minlength=FINE + 1) for one in levels] for part in (white, ~white)]
            )
        return cast(tuple[Pixels, Pixels], tuple(_median(part)[:, None, None] for part in bins))

    def looks_lost(self, white: bool) -> bool:
        """Whether a part is of one colour, unlike the rest; the larger only if it ends there."""
        colour, counts = self.medians[0 if white else 1], np.zeros((3, 2))
        for rows, columns in windows(self.picture.size):
            around, within = _around(rows, self.picture.size[0])
            near = self.marks.white(around, columns) == white
            part, edge = near[within], (_beside(near) & ~near)[within]
            far = np.abs(self.picture.crop(rows, columns).pixels - colour)
            same: Flags = np.asarray((far <= SAME).all(axis=0))
            counts += [[np.count_nonzero(same & one), np.count_nonzero(one)] for one in (part, ~part, edge)]
        inside, outside, beside = counts[:, 0] / np.maximum(counts[:, 1], 1)
        if inside < ONE_COLOUR or outside > VARIED:
            return False
        # A plain background is of one colour too, but goes on under the brush that marks what stands before it.
        return bool(counts[0, 1] <= self.total / 2 or beside < 0.5)


def _median(counts: NDArray[np.int64]) -> Pixels:
    """The medians of so many values of each level (C, levels)."""
    below = counts.cumsum(1)
    halves = [(below < below[:, -1:] * 0.5 + more).sum(1) for more in (0, 0.5)]
    return ((halves[0] + halves[1]) / (2 * FINE)).astype(np.float32)


def _around(rows: slice, height: int) -> tuple[slice, slice]:
    """Rows with those beside them, and where they lie among these."""
    top = max(0, rows.start - 1)
    return slice(top, min(rows.stop + 1, height)), slice(rows.start - top, rows.stop - top)


def decide(seen: Parts, polarity: Polarity) -> tuple[bool, str]:
    """Say whether white is known, and why."""
    if polarity != "auto":
        return polarity == "white-is-known", "as told"
    light, dark = seen.looks_lost(True), seen.looks_lost(False)
    if light and not dark:
        return False, "the picture is of one colour there"
    if dark and not light:
        return True, "the picture is of one colour there"
    if seen.share == 0.5:
        return False, "a guess: both parts are equal; set the polarity if it is wrong"
    return seen.share > 0.5, "the smaller part"


def _beside(region: Flags) -> Flags:
    """The region grown by one pixel."""
    grown = region.copy()
    grown[1:] |= region[:-1]
    grown[:-1] |= region[1:]
    grown[:, 1:] |= region[:, :-1]
    grown[:, :-1] |= region[:, 1:]
    return grown
