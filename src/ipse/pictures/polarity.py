"""Decide whether white marks known or lost pixels: lost pixels have one colour, which ends where the mask does.

The white and the black part of a picture are compared in bands of rows.
"""

from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ipse.pictures.levels import Pixels
from ipse.pictures.marks import SAME, SOFT, Marks
from ipse.pictures.shown import Flags, Shown, windows

TRACE = 1 / 512  # differences up to this fraction of the scale are ignored; it is less than a level of 8 bits
# Smallest fraction of known values at the exact end of the scale for the mask to count as free of noise.
CLEAN = 0.9
ONE_COLOUR = 0.95  # a region has one colour if at least this fraction of it has that colour
VARIED = 0.8  # a region is varied if no colour has this fraction
FINE = 65535  # number of levels for computing medians

Polarity = Literal["auto", "white-is-hole", "white-is-known"]


class Parts:
    """Statistics of the picture in the white and the black part of a mask, collected in bands."""

    def __init__(self, marks: Marks, picture: Shown) -> None:
        self.marks, self.picture = marks, picture
        self.total = picture.size[0] * picture.size[1]

    @cached_property
    def counts(self) -> tuple[int, int]:
        """The number of white values and of soft values."""
        ends, white, soft = self.marks.ends, 0, 0
        for place in windows(self.picture.size):
            values = self.marks.values(*place)
            white, soft = white + int(np.count_nonzero(ends.white(values))), soft + ends.soft(values)
        return white, soft

    @property
    def share(self) -> float:
        """The fraction of the picture that is white."""
        return self.counts[0] / self.total

    @property
    def soft(self) -> float:
        """The fraction of values that are neither white nor black."""
        return self.counts[1] / self.total

    def margin(self, inverted: bool) -> float:
        """The largest difference that still counts as known; 0 if nearly all known values are exactly the same."""
        end, exact, near = (self.marks.ends.high if inverted else self.marks.ends.low), 0, 0
        for place in windows(self.picture.size):
            values = self.marks.values(*place)
            part = self.marks.ends.white(values) == inverted
            exact += int(np.count_nonzero(values[part] == end))
            near += int(np.count_nonzero(part))
        return TRACE if exact >= CLEAN * near else SOFT[0]

    def covered(self, inverted: bool, margin: float) -> float:
        """The fraction of the picture to fill."""
        places = windows(self.picture.size)
        holes = (self.marks.hole(*place, inverted=inverted, margin=margin) for place in places)
        return sum(int(np.count_nonzero(one)) for one in holes) / self.total

    @property
    def tells(self) -> bool:
        """Whether the picture has one colour in only one of the parts, or the mask is a copy of the picture."""
        return self.marks.kind == "difference" or self.looks_lost(True) != self.looks_lost(False)

    @cached_property
    def medians(self) -> tuple[Pixels, Pixels]:
        """The median colour (C, 1, 1) of the white and of the black part."""
        bins: Any = 0
        for place in windows(self.picture.size):
            white, pixels = self.marks.white(*place), self.picture.crop(*place).pixels
            levels = np.rint(pixels * FINE).astype(np.int32)
            bins = bins + np.array(
                [[np.bincount(one[part], minlength=FINE + 1) for one in levels] for part in (white, ~white)]
            )
        return cast(tuple[Pixels, Pixels], tuple(_median(part)[:, None, None] for part in bins))

    def looks_lost(self, white: bool) -> bool:
        """Whether a part has one colour, unlike the rest; in the larger part it must also end at the border."""
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
        # A plain background has one colour as well, but continues beyond the border of a mark painted over it.
        return bool(counts[0, 1] <= self.total / 2 or beside < 0.5)


def _median(counts: NDArray[np.int64]) -> Pixels:
    """The medians, from histograms (C, levels)."""
    below = counts.cumsum(1)
    halves = [(below < below[:, -1:] * 0.5 + more).sum(1) for more in (0, 0.5)]
    return ((halves[0] + halves[1]) / (2 * FINE)).astype(np.float32)


def _around(rows: slice, height: int) -> tuple[slice, slice]:
    """Rows with their neighbours, and their position among these."""
    top = max(0, rows.start - 1)
    return slice(top, min(rows.stop + 1, height)), slice(rows.start - top, rows.stop - top)


def decide(seen: Parts, polarity: Polarity) -> tuple[bool, str]:
    """Decide whether white marks known pixels, and give the reason."""
    if polarity != "auto":
        return polarity == "white-is-known", "as told"
    light, dark = seen.looks_lost(True), seen.looks_lost(False)
    if light and not dark:
        return False, "the picture has one colour there"
    if dark and not light:
        return True, "the picture has one colour there"
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
