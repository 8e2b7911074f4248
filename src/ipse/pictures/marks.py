"""white(p) = [v(p) ≥ ½]: where a picture of a mask is white, whatever it was painted with, a band of rows at a time.

v is opacity, luma, the strongest channel or the mean of the channels, by what the whole mask holds. The mask may be a
picture in windows, so that it need not be whole in memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ipse.errors import MaskError
from ipse.pictures.picture import Picture

ROOM = 1 << 21  # pixels that are looked at together
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
SOFT = (0.1, 0.9)  # between them a value is neither black nor white

Flags = NDArray[np.bool_]
Values = NDArray[np.float32]
Kind = Literal["opacity", "luma", "strongest", "mean"]


class Shown(Protocol):
    """A picture, or one in windows."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        ...

    def crop(self, rows: slice, columns: slice) -> Picture:
        """A window of it."""
        ...


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
        return self._spread(values) >= 0.5

    def soft(self, values: Values) -> int:
        """How many values are neither black nor white."""
        spread = self._spread(values)
        return 0 if self.two else int(np.count_nonzero((spread > SOFT[0]) & (spread < SOFT[1])))

    def _spread(self, values: Values) -> Values:
        """A dim mask has its own half scale."""
        dim = (self.high <= 0.5 or self.low >= 0.5) and self.low < self.high
        return (values - self.low) / (self.high - self.low) if dim else values


@dataclass(frozen=True, eq=False)
class Marks:
    """Where a mask is white, in the stored pixels of its picture.

    Attributes:
        mask: the mask's picture.
        size: (H, W) of the picture that it belongs to.
        orientation: that is undone, 1 where the mask lies as the picture is stored.
        kind: what of the mask counts.
        opaque: the largest alpha.
        ends: of what counts.
    """

    mask: Shown
    size: tuple[int, int]
    orientation: int
    kind: Kind
    opaque: float
    ends: Ends

    @classmethod
    def of(cls, mask: Shown, picture: Shown, orientation: int) -> "Marks":
        """Find what counts.

        Raises:
            MaskError: the sizes differ.
        """
        turned = _turned(mask, picture, orientation)
        by_opacity, opaque = _alpha(mask)
        kinds: tuple[Kind, ...] = ("luma", "strongest")
        if by_opacity:
            kinds = ("opacity",)
        elif mask.crop(slice(0, 1), slice(0, 1)).channels != 3:
            kinds = ("mean",)
        for kind in kinds:
            ends = Ends.of(_values(piece, kind, opaque) for piece in pieces(mask))
            # Saturated paint on black is dark in luma: blue is 0.11. Then the strongest channel says what is marked.
            if kind != "luma" or ends.high > 0.5:
                return cls(mask, picture.size, orientation if turned else 1, kind, opaque, ends)
        raise AssertionError("the strongest channel always counts")

    @property
    def word(self) -> str:
        """What the high end is called."""
        return "opaque" if self.kind == "opacity" else "white"

    def values(self, rows: slice, columns: slice) -> Values:
        """What counts, in a window of the picture."""
        if self.orientation == 1:
            return _values(self.mask.crop(rows, columns), self.kind, self.opaque)
        down, across = flipped(self.orientation)
        rows, columns = (
            slice(side - part.stop, side - part.start) if flip else part
            for part, side, flip in zip((rows, columns), self.size, (down, across), strict=True)
        )
        return stored(_values(self.mask.crop(columns, rows), self.kind, self.opaque), self.orientation)

    def white(self, rows: slice, columns: slice) -> Flags:
        """White or not, in a window of the picture."""
        return self.ends.white(self.values(rows, columns))


def windows(size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Cut a size into bands of as many rows as are looked at together."""
    step = max(1, ROOM // size[1])
    for top in range(0, size[0], step):
        yield slice(top, min(top + step, size[0])), slice(0, size[1])


def pieces(shown: Shown) -> Iterator[Picture]:
    """A picture's bands."""
    return (shown.crop(*place) for place in windows(shown.size))


def stored(upright: Values, orientation: int) -> Values:
    """Undo an EXIF orientation: from the view (H', W') to the pixels as stored."""
    if orientation >= 5:  # the view has the stored columns as its rows
        upright = upright.T
    down, across = flipped(orientation)
    return upright[:: -1 if down else 1, :: -1 if across else 1]


def flipped(orientation: int) -> tuple[bool, bool]:
    """Whether an orientation turns rows and columns of the stored pixels round."""
    return orientation in (3, 4, 6, 7), orientation in (2, 3, 7, 8)


def _turned(mask: Shown, picture: Shown, orientation: int) -> bool:
    """Whether the mask is to be turned, because it was made on the upright view."""
    if mask.size == picture.size:
        return False
    if orientation >= 5 and mask.size == picture.size[::-1]:
        return True
    (height, width), (high, wide) = picture.size, mask.size
    raise MaskError(
        f"{mask.name}: the mask has {wide}×{high} pixels, the picture {width}×{height}; "
        "expected the same; make the mask on this picture"
    )


def _values(piece: Picture, kind: Kind, opaque: float) -> Values:
    """What counts, in [0, 1], as (h, w)."""
    opacity = 1.0 if piece.alpha is None else piece.alpha.astype(np.float32) / np.float32(opaque)
    if kind == "opacity":
        return np.broadcast_to(np.asarray(opacity, np.float32), piece.size)
    pixels = piece.pixels * opacity
    if kind == "luma":
        return np.einsum("c,chw->hw", LUMA, pixels)
    return pixels.mean(axis=0) if kind == "mean" else pixels.max(axis=0)


def _alpha(mask: Shown) -> tuple[bool, float]:
    """Whether opacity is what counts, because colours vary nowhere, or only where they cannot be seen; its most."""
    if mask.crop(slice(0, 1), slice(0, 1)).alpha is None:
        return False, 1.0
    everywhere, visible, ends = _One(), _One(), set[float]()
    for piece in pieces(mask):
        pixels, alpha = piece.pixels, piece.alpha
        assert alpha is not None
        ends |= {float(alpha.min()), float(alpha.max())}
        everywhere.look(pixels.reshape(len(pixels), -1))
        visible.look(pixels[:, alpha > 0])
    hidden = len(ends) > 1 and visible.colour is not None and not visible.varied
    return not everywhere.varied or hidden, max(*ends, 1.0)


class _One:
    """Whether all colours that are looked at, (C, n), are one."""

    def __init__(self) -> None:
        self.colour: Values | None = None
        self.varied = False

    def look(self, colours: Values) -> None:
        """Look at some more."""
        if colours.size:
            self.colour = colours[:, :1].copy() if self.colour is None else self.colour
            self.varied = self.varied or bool((colours != self.colour).any())
