"""white(p) = [v(p) ≥ ½]: where a picture of a mask is white, whatever it was painted with, a band of rows at a time.

v is opacity, luma, the strongest channel or the mean of the channels, by what the whole mask holds. The mask may be a
picture in windows, so that it need not be whole in memory.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ipse.errors import MaskError
from ipse.pictures.picture import Picture
from ipse.pictures.shown import Flags, Shown, Values, alpha_of, pieces, windows

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SOFT = (0.1, 0.9)  # between them a value is neither black nor white
ITSELF = 0.8  # share of the soft values in whose place the picture has the same colour, where a mask is the picture …
ENOUGH = 0.05  # … and share of the picture that is soft then
SAME = 2.5 / 255  # colours no further apart are one colour

Kind = Literal["opacity", "luma", "strongest", "mean", "difference"]


@dataclass(frozen=True)
class Ends:
    """The least and the largest value of a mask, and whether there is none between them."""

    low: float
    high: float
    two: bool

    @classmethod
    def of(cls, many: Iterable[Values]) -> "Ends":
        """Look at all values."""
        found: set[float] = set()
        two = True
        for values in many:
            low, high = float(values.min()), float(values.max())
            found |= {low, high}
            two = two and bool(((values == low) | (values == high)).all())
        return cls(min(found), max(found), two=two and len(found) <= 2)

    def white(self, values: Values) -> Flags:
        """White or not."""
        if self.two:
            # Two values: 0 and 1 of 255 are a mask as much as 0 and 255 are. One value: its half of the scale.
            return values == self.high if self.low < self.high else values >= 0.5
        return self.spread(values) >= 0.5

    def soft(self, values: Values) -> int:
        """How many values are neither black nor white."""
        spread = self.spread(values)
        return 0 if self.two else int(np.count_nonzero((spread > SOFT[0]) & (spread < SOFT[1])))

    def spread(self, values: Values) -> Values:
        """Values on the scale of black to white; a dim mask has its own."""
        dim = (self.high <= 0.5 or self.low >= 0.5) and self.low < self.high
        return (values - self.low) / (self.high - self.low) if dim else values


@dataclass(frozen=True, eq=False)
class Marks:
    """Where a mask is white, in the stored pixels of its picture.

    Attributes:
        mask: the mask's picture.
        size: (H, W) of the picture that it belongs to.
        orientation: that is undone, 1 where the mask lies as the picture is stored.
        kind: what of the mask counts; its difference from the picture where it is the picture with marks on it.
        picture: what it is compared with then.
        opaque: the largest alpha.
        ends: of what counts.
    """

    mask: Shown
    size: tuple[int, int]
    orientation: int
    kind: Kind
    opaque: float
    ends: Ends
    picture: Shown | None = None

    @classmethod
    def of(cls, mask: Shown, picture: Shown, orientation: int = 1) -> "Marks":
        """Find what counts, of a mask that lies as that orientation says."""
        made = cls._of_itself(mask, picture, orientation)
        itself = made._shows(picture)
        return (
            replace(made, kind="difference", ends=Ends(0.0, 1.0, two=True), picture=picture)
            if itself
            else made
        )

    @classmethod
    def _of_itself(cls, mask: Shown, picture: Shown, orientation: int) -> "Marks":
        by_opacity, opaque = alpha_of(mask)
        kinds: tuple[Kind, ...] = ("luma", "strongest")
        if by_opacity:
            kinds = ("opacity",)
        elif _channels(mask) != 3:
            kinds = ("mean",)
        for kind in kinds:
            ends = Ends.of(_values(piece, kind, opaque) for piece in pieces(mask))
            # Saturated paint on black is dark in luma: blue is 0.11. Then the strongest channel says what is marked.
            if kind != "luma" or ends.high > 0.5:
                return cls(mask, picture.size, orientation, kind, opaque, ends)
        raise AssertionError("the strongest channel always counts")

    def _shows(self, picture: Shown) -> bool:
        """Whether the mask is the picture, with marks on it: where it is neither black nor white, both are the same."""
        if self.ends.two or self.kind == "opacity" or _channels(self.mask) != _channels(picture):
            return False
        soft = same = 0
        for place in windows(self.size):
            values = self.values(*place)
            among = (values > SOFT[0]) & (values < SOFT[1])
            soft += int(np.count_nonzero(among))
            same += int(np.count_nonzero(among & ~self._differs(picture, *place)))
        return soft >= ENOUGH * self.size[0] * self.size[1] and same >= ITSELF * soft

    def _differs(self, picture: Shown, rows: slice, columns: slice) -> Flags:
        """Where the mask shows another colour than the picture, or none, in a window of the picture."""
        there = picture.crop(rows, columns).pixels
        found = self._laid(rows, columns, lambda piece: piece.pixels)
        clear = self._laid(rows, columns, lambda piece: _opacity(piece, self.opaque)[None])[0] < 1
        return (np.abs(found - there) > SAME).any(axis=0) | clear

    @property
    def word(self) -> str:
        """What the high end is called."""
        if self.kind == "difference":
            return "what differs from the picture"
        return "opaque" if self.kind == "opacity" else "white"

    def values(self, rows: slice, columns: slice) -> Values:
        """What counts, in a window of the picture."""
        if self.picture is not None:
            return self._differs(self.picture, rows, columns).astype(np.float32)
        return self._laid(rows, columns, lambda piece: _values(piece, self.kind, self.opaque)[None])[0]

    def _laid(self, rows: slice, columns: slice, seen: Callable[[Picture], Values]) -> Values:
        """What is seen (C, h, w) of the mask in a window of the picture."""
        if self.orientation == 1:
            return seen(self.mask.crop(rows, columns))
        down, across = flipped(self.orientation)
        rows, columns = (
            slice(side - part.stop, side - part.start) if flip else part
            for part, side, flip in zip((rows, columns), self.size, (down, across), strict=True)
        )
        place = (columns, rows) if self.orientation >= 5 else (rows, columns)
        return np.stack([stored(plane, self.orientation) for plane in seen(self.mask.crop(*place))])

    def white(self, rows: slice, columns: slice) -> Flags:
        """White or not, in a window of the picture."""
        return self.ends.white(self.values(rows, columns))

    def hole(self, rows: slice, columns: slice, *, inverted: bool, margin: float) -> Flags:
        """What is to be filled, in a window of the picture: all that is further from what is known than a margin."""
        values = self.values(rows, columns)
        white = self.ends.white(values)
        if self.ends.two:
            return ~white if inverted else white
        spread = self.ends.spread(values)
        return ~white | (spread < 1 - margin) if inverted else white | (spread > margin)


def stored(upright: Values, orientation: int) -> Values:
    """Undo an EXIF orientation: from the view (H', W') to the pixels as stored."""
    if orientation >= 5:  # the view has the stored columns as its rows
        upright = upright.T
    down, across = flipped(orientation)
    return upright[:: -1 if down else 1, :: -1 if across else 1]


def flipped(orientation: int) -> tuple[bool, bool]:
    """Whether an orientation turns rows and columns of the stored pixels round."""
    return orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)


def ways(mask: Shown, picture: Shown, orientation: int, own: int) -> tuple[int, ...]:
    """The orientations that a mask can have been made in, the likeliest first: as people see the picture, or as stored.

    Args:
        mask: the mask.
        picture: what it is of.
        orientation: of the picture.
        own: that the mask's file tells; that of the picture means that it is stored in the same way.

    Raises:
        MaskError: the sizes differ.
    """
    upright = picture.size[::-1] if orientation >= 5 else picture.size
    found = [orientation] * (mask.size == upright and own != orientation)
    found += [1] * (mask.size == picture.size)
    if not found:
        (height, width), (high, wide) = picture.size, mask.size
        raise MaskError(
            f"{mask.name}: the mask has {wide}×{high} pixels, the picture {width}×{height}; "
            "expected the same; make the mask on this picture"
        )
    return tuple(dict.fromkeys(found))


def _channels(shown: Shown) -> int:
    return shown.crop(slice(0, 1), slice(0, 1)).channels


def _opacity(piece: Picture, opaque: float) -> Values:
    """(h, w) in [0, 1]."""
    if piece.alpha is None:
        return np.ones(piece.size, np.float32)
    return piece.alpha.astype(np.float32) / np.float32(opaque)


def _values(piece: Picture, kind: Kind, opaque: float) -> Values:
    """What counts, in [0, 1], as (h, w)."""
    opacity = _opacity(piece, opaque)
    if kind == "opacity":
        return opacity
    pixels = piece.pixels * opacity
    if kind == "luma":
        return np.einsum("c,chw->hw", LUMA, pixels)
    return pixels.mean(axis=0) if kind == "mean" else pixels.max(axis=0)
