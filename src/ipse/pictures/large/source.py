"""y[rows, columns]: a stored picture that is read window by window.

A ``Source`` has the attributes of a ``Picture``, except the samples, which are read on demand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from ipse.errors import PictureError
from ipse.pictures import JpegInfo, Levels, Metadata, Picture
from ipse.pictures.levels import Samples, levels_of

BAND = 256  # number of rows read at a time to find the range of samples
SQUARE, SQUARES = 256, 4  # side of a square in pixels, and squares per direction, for estimating noise
MULTIPLE = 32  # squares begin at multiples of this, so that blocks of any JPEG stay whole
SHOWN = frozenset({"bool", "uint8"})  # types whose range is always the full range of the type

Window = Callable[[slice, slice], Samples]


@dataclass(frozen=True, eq=False)
class Source:
    """A picture that is read window by window.

    Attributes:
        name: name for messages.
        size: (H, W) in pixels.
        channels: number of colour channels, without alpha.
        dtype: type of the samples.
        window: (rows, columns) → samples (h, w, S), with alpha last if there is one.
        model: "gray", "rgb", "cmyk" or "channels", see ``Picture``.
        alpha: whether there is an alpha channel.
        metadata: see ``Picture``.
        format: the format of the file.
        frames: number of pages of the file; this is the first.
        jpeg: the quantisation of a JPEG file, if requested.
        levels: the mapping from samples to pixels, for the whole picture.
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
        """Samples per pixel, including alpha."""
        return self.channels + self.alpha

    @property
    def bytes(self) -> int:
        """Size of all samples in bytes."""
        return self.size[0] * self.size[1] * self.samples * self.dtype.itemsize

    def crop(self, rows: slice, columns: slice) -> Picture:
        """Return a window as a picture, with the levels of the whole picture.

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
        """Return squares that are spread evenly over the picture, side by side, for estimating noise."""
        if min(self.size) < SQUARE * SQUARES:
            return self.crop(*(slice(0, min(side, SQUARE * SQUARES)) for side in self.size))
        places = [[slice(start, start + SQUARE) for start in _spread(length)] for length in self.size]
        rows = [np.concatenate([self.window(row, column) for column in places[1]], 1) for row in places[0]]
        whole, side = np.concatenate(rows, 0), slice(0, SQUARE * SQUARES)

        def window(rows: slice, columns: slice) -> Samples:
            return whole[rows, columns]

        return replace(self, window=window, jpeg=None).crop(side, side)

    def measured(self) -> "Source":
        """Return the source with its levels determined; reads all samples if their type does not define the range.

        Raises:
            PictureError: samples that are not finite, or of a type that holds no real numbers.
        """
        if self.dtype.name in SHOWN:
            return replace(self, levels=levels_of(np.zeros(1, self.dtype), name=self.name))
        ends = [found for rows in bands(self.size[0]) for found in self._ends(rows)]
        return replace(self, levels=levels_of(np.array(ends, self.dtype), name=self.name))

    def _ends(self, rows: slice) -> tuple[Any, Any]:
        """The smallest and the largest sample of some rows."""
        found = self.window(rows, slice(0, self.size[1]))[..., : self.channels]
        return found.min(), found.max()


def bands(height: int, step: int = BAND) -> Iterator[slice]:
    """Divide rows into slices of ``step``; the last one may be shorter."""
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
