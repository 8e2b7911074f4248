"""y[rows, columns]: a stored picture that is seen through windows.

A ``Source`` knows what a ``Picture`` knows, its samples excepted: those are asked for, a window at a time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from ipse.errors import PictureError
from ipse.pictures import JpegInfo, Levels, Metadata, Picture
from ipse.pictures.levels import Samples, levels_of

BAND = 256  # rows that are looked at together where the whole range must be known
SQUARE, SQUARES = 256, 4  # pixels a side; squares down, and across: what noise is estimated on
MULTIPLE = 32  # where squares begin, so that blocks of any JPEG stay whole
SHOWN = frozenset({"bool", "uint8"})  # types whose range is their own

Window = Callable[[slice, slice], Samples]


@dataclass(frozen=True, eq=False)
class Source:
    """A picture in windows.

    Attributes:
        name: what to call it in messages.
        size: (H, W) in pixels.
        channels: of the colours, alpha excepted.
        dtype: type of the samples.
        window: (rows, columns) → samples (h, w, S), alpha last where there is one.
        model: "gray", "rgb", "cmyk" or "channels", as of a ``Picture``.
        alpha: whether there is one.
        metadata: as of a ``Picture``.
        format: the file format it came from.
        frames: how many pages the file has; this is the first.
        jpeg: the quantisation it went through, where that was asked for.
        levels: the map from samples to pixels, of the whole picture.
    """

    name: str
    size: tuple[int, int]
    channels: int
    dtype: np.dtype[Any]
    window: Window
    model: str = "gray"
    alpha: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    format: str | None = None
    frames: int = 1
    jpeg: JpegInfo | None = None
    levels: Levels | None = None

    @property
    def samples(self) -> int:
        """Of a pixel, with alpha."""
        return self.channels + self.alpha

    @property
    def bytes(self) -> int:
        """Of all samples."""
        return self.size[0] * self.size[1] * self.samples * self.dtype.itemsize

    def crop(self, rows: slice, columns: slice) -> Picture:
        """Return a window as a picture of its own, on the levels of the whole.

        Raises:
            PictureError: the file is damaged there.
        """
        found = self.window(rows, columns)
        alpha = found[..., -1] if self.alpha else None
        colours = found[..., : self.channels]
        return Picture(
            colours[..., 0] if self.channels == 1 else colours,
            alpha=alpha,
            model=self.model,
            metadata=self.metadata,
            format=self.format,
            jpeg=None if self.jpeg is None else self.jpeg.crop(rows, columns),
            levels=self.levels,
            name=self.name,
        )

    def mosaic(self) -> Picture:
        """Return squares that are evenly spread over the picture, side by side: what its noise is estimated on."""
        if min(self.size) < SQUARE * SQUARES:
            return self.crop(*(slice(0, min(side, SQUARE * SQUARES)) for side in self.size))
        places = [[slice(start, start + SQUARE) for start in _spread(length)] for length in self.size]
        rows = [np.concatenate([self.window(row, column) for column in places[1]], 1) for row in places[0]]
        whole, side = np.concatenate(rows, 0), slice(0, SQUARE * SQUARES)

        def window(rows: slice, columns: slice) -> Samples:
            return whole[rows, columns]

        return replace(self, window=window, jpeg=None).crop(side, side)

    def measured(self) -> "Source":
        """Return the same, its levels settled by one look at all samples where their type does not tell.

        Raises:
            PictureError: samples that are not finite, or of a type that holds no real numbers.
        """
        if self.dtype.name in SHOWN:
            return replace(self, levels=levels_of(np.zeros(1, self.dtype), name=self.name))
        ends = [found for rows in bands(self.size[0]) for found in self._ends(rows)]
        return replace(self, levels=levels_of(np.array(ends, self.dtype), name=self.name))

    def _ends(self, rows: slice) -> tuple[Any, Any]:
        """The least and the largest sample of some rows."""
        found = self.window(rows, slice(0, self.size[1]))[..., : self.channels]
        return found.min(), found.max()


def bands(height: int, step: int = BAND) -> Iterator[slice]:
    """Cut rows into slices of ``step``; the last may be shorter."""
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))


def overlapping(rows: slice, columns: slice, side: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The places (down, across) of the cells of a regular grid that meet a window."""
    down, across = (
        range(part.start // length, -(-part.stop // length))
        for part, length in zip((rows, columns), side, strict=True)
    )
    return product(down, across)


def damaged(name: str, error: Exception | str) -> PictureError:
    """What is said of a file that cannot be read to its end."""
    said = (str(error).splitlines() or ["undecodable"])[0]
    return PictureError(f"{name}: is damaged or cut short ({said}); expected a whole file; copy it again")


def _spread(length: int) -> list[int]:
    """Where squares begin along a side."""
    last = length - SQUARE
    return [round(i * last / (SQUARES - 1)) // MULTIPLE * MULTIPLE for i in range(SQUARES)]
