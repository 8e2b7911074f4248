"""A picture that is looked at a band of rows at a time, whole in memory or not."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ipse.pictures.metadata import Metadata
from ipse.pictures.picture import Picture

ROOM = 1 << 21  # pixels that are looked at together

Flags = NDArray[np.bool_]
Values = NDArray[np.float32]


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

    @property
    def metadata(self) -> Metadata:
        """What its file says beside its samples."""
        ...

    def crop(self, rows: slice, columns: slice) -> Picture:
        """A window of it."""
        ...


def windows(size: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Cut a size into bands of as many rows as are looked at together."""
    step = max(1, ROOM // size[1])
    for top in range(0, size[0], step):
        yield slice(top, min(top + step, size[0])), slice(0, size[1])


def pieces(shown: Shown) -> Iterator[Picture]:
    """A picture's bands."""
    return (shown.crop(*place) for place in windows(shown.size))


def alpha_of(mask: Shown) -> tuple[bool, float]:
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
