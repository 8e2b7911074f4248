"""Analyse a picture in bands of rows, whether it is in memory or not."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ipse.pictures.metadata import Metadata
from ipse.pictures.picture import Picture

ROOM = 1 << 21  # number of pixels per band

Flags = NDArray[np.bool_]
Values = NDArray[np.float32]


class Shown(Protocol):
    """A picture, in memory or read window by window."""

    @property
    def name(self) -> str:
        """Name for messages."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        ...

    @property
    def metadata(self) -> Metadata:
        """The metadata of its file."""
        ...

    def crop(self, rows: slice, columns: slice) -> Picture:
        """A window of the picture."""
        ...


def windows(size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Divide a picture of the given size into bands."""
    step = max(1, ROOM // size[1])
    for top in range(0, size[0], step):
        yield slice(top, min(top + step, size[0])), slice(0, size[1])


def pieces(shown: Shown) -> Iterator[Picture]:
    """A picture's bands."""
    return (shown.crop(*place) for place in windows(shown.size))


def alpha_of(mask: Shown) -> tuple[bool, float]:
    """Whether only opacity matters, because visible colours do not vary; and the largest opacity."""
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
    """Whether all colours (C, n) seen so far are the same."""

    def __init__(self) -> None:
        self.colour: Values | None = None
        self.varied = False

    def look(self, colours: Values) -> None:
        """Check more colours."""
        if colours.size:
            self.colour = colours[:, :1].copy() if self.colour is None else self.colour
            self.varied = self.varied or bool((colours != self.colour).any())
