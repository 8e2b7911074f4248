"""white(p) = [v(p) ≥ ½]: find where a mask is white, whatever it was painted with, in bands of rows.

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
SOFT = (0.1, 0.9)  # values between these are soft: neither black nor white
# A mask is a copy of the picture with marks on it if at least ENOUGH of its values are soft, and at least ITSELF of the
# soft ones equal the picture.
ITSELF = 0.8
ENOUGH = 0.05
SAME = 2.5 / 255  # largest difference of colours that count as equal

Kind = Literal["opacity", "luma", "strongest", "mean", "difference"]


@dataclass(frozen=True)
class Ends:
    """The smallest and the largest value of a mask, and whether it has only these two."""

    low: float
    high: float
    two: bool

    @classmethod
    def of(cls, many: Iterable[Values]) -> "Ends":
        """Find the ends of all values."""
        found: set[float] = set()
        two = True
        for values in many:
            low, high = float(values.min()), float(values.max())
            found |= {low, high}
            two = two and bool(((values == low) | (values == high)).all())
        return cls(min(found), max(found), two=two and len(found) <= 2)

    def white(self, values: Values) -> Flags:
        """Whether values are white."""
        if self.two:
            # With two values the larger one is white, even if they are 0 and 1 of 255. With one value, compare with ½.
            return values == self.high if self.low < self.high else values >= 0.5
        return self.spread(values) >= 0.5

    def soft(self, values: Values) -> int:
        """The number of values that are neither black nor white."""
        spread = self.spread(values)
        return 0 if self.two else int(np.count_nonzero((spread > SOFT[0]) & (spread < SOFT[1])))

    def spread(self, values: Values) -> Values:
        """Values rescaled so that black is 0 and white is 1."""
        dim = (self.high <= 0.5 or self.low >= 0.5) and self.low < self.high
        return (values - self.low) / (self.high - self.low) if dim else values


@dataclass(frozen=True, eq=False)
class Marks:
    """Where a mask is white, in the stored pixels of its picture.

    Attributes:
        mask: the mask's picture.
        size: (H, W) of the picture that it belongs to.
        orientation: the orientation to undo; 1 if the mask has that of the stored picture.
        kind: which property of the mask is used; its difference from the picture if it is a copy with marks on it.
        picture: the picture to compare with in that case.
        opaque: the largest alpha.
        ends: the smallest and the largest value of the property.
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
        """Choose the property to use, for a mask with the given orientation."""
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
            # Saturated paint on black is dark in luma (blue is 0.11), so the strongest channel is used instead.
            if kind != "luma" or ends.high > 0.5:
                return cls(mask, picture.size, orientation, kind, opaque, ends)
        raise AssertionError("the strongest channel always counts")

    def _shows(self, picture: Shown) -> bool:
        """Whether the mask is a copy of the picture with marks on it: its soft values equal the picture."""
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
        """Where the mask differs from the picture or is transparent, in a window of the picture."""
        there = picture.crop(rows, columns).pixels
        found = self._laid(rows, columns, lambda piece: piece.pixels)
        clear = self._laid(rows, columns, lambda piece: _opacity(piece, self.opaque)[None])[0] < 1
        return (np.abs(found - there) > SAME).any(axis=0) | clear

    @property
    def word(self) -> str:
        """The name of the high end."""
        if self.kind == "difference":
            return "what differs from the picture"
        return "opaque" if self.kind == "opacity" else "white"

    def values(self, rows: slice, columns: slice) -> Values:
        """The property that is used, in a window of the picture."""
        if self.picture is not None:
            return self._differs(self.picture, rows, columns).astype(np.float32)
        return self._laid(rows, columns, lambda piece: _values(piece, self.kind, self.opaque)[None])[0]

    def _laid(self, rows: slice, columns: slice, seen: Callable[[Picture], Values]) -> Values:
        """The mask's colours (C, h, w) in a window of the picture."""
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
        """Whether the mask is white, in a window of the picture."""
        return self.ends.white(self.values(rows, columns))

    def hole(self, rows: slice, columns: slice, *, inverted: bool, margin: float) -> Flags:
        """The pixels to fill in a window of the picture: all that differ from known values by more than a margin."""
        values = self.values(rows, columns)
        white = self.ends.white(values)
        if self.ends.two:
            return ~white if inverted else white
        spread = self.ends.spread(values)
        return ~white | (spread < 1 - margin) if inverted else white | (spread > margin)


def stored(upright: Values, orientation: int) -> Values:
    """Undo an EXIF orientation: convert from the upright view (H', W') to the stored pixels."""
    if orientation >= 5:  # the view is transposed
        upright = upright.T
    down, across = flipped(orientation)
    return upright[:: -1 if down else 1, :: -1 if across else 1]


def flipped(orientation: int) -> tuple[bool, bool]:
    """Whether an orientation swaps rows and columns."""
    return orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)


def ways(mask: Shown, picture: Shown, orientation: int, own: int) -> tuple[int, ...]:
    """The possible orientations of a mask, the likeliest first: that of the upright view, or of the stored picture.

    Args:
        mask: the mask.
        picture: its picture.
        orientation: the picture's orientation.
        own: orientation in the mask's file; if it is the picture's, the mask is stored in the same way.

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
            "expected the same size; make the mask for this picture"
        )
    return tuple(dict.fromkeys(found))


def _channels(shown: Shown) -> int:
    return shown.crop(slice(0, 1), slice(0, 1)).channels


def _opacity(piece: Picture, opaque: float) -> Values:
    """Luma (h, w) in [0, 1]."""
    if piece.alpha is None:
        return np.ones(piece.size, np.float32)
    return piece.alpha.astype(np.float32) / np.float32(opaque)


def _values(piece: Picture, kind: Kind, opaque: float) -> Values:
    """The given property (h, w), in [0, 1]."""
    opacity = _opacity(piece, opaque)
    if kind == "opacity":
        return opacity
    pixels = piece.pixels * opacity
    if kind == "luma":
        return np.einsum("c,chw->hw", LUMA, pixels)
    return pixels.mean(axis=0) if kind == "mean" else pixels.max(axis=0)
