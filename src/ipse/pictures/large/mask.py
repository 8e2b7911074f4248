"""A mask that lies over a picture in windows, through windows too; and where it marks most."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ipse.errors import MaskError, PictureError
from ipse.pictures import Known, Picture, known_of, read
from ipse.pictures.large.open import opened
from ipse.pictures.large.source import Source, bands
from ipse.pictures.levels import Samples
from ipse.pictures.polarity import Polarity
from ipse.pictures.tiling import MULTIPLE, OVERLAP, starts


def known_in(path: Path, source: Source, *, polarity: Polarity = "auto") -> Known:
    """Open the mask of a picture in windows, and decide what it marks.

    A mask that has no windows, such as one with a palette, is held as it is stored.

    Raises:
        MaskError: it is no picture, has another size, or marks nothing or everything.
        OptionError: for an unknown polarity.
    """
    try:
        mask = opened(path) if path.exists() else None
        mask = held(read(path)) if mask is None else mask
    except PictureError as error:
        raise MaskError(f"mask {error}") from None
    return known_of(mask, source, source.metadata.orientation, polarity=polarity)


def missing_in(known: Known) -> NDArray[np.int64]:
    """Count the missing pixels in each cell of 32² of a picture."""
    cells: list[NDArray[np.int64]] = []
    for rows in bands(known.shape[0]):
        counts = (~known[rows, slice(0, known.shape[1])]).astype(np.int64)
        for axis in (0, 1):
            counts = np.add.reduceat(counts, np.arange(0, counts.shape[axis], MULTIPLE), axis=axis)
        cells.append(counts)
    return np.concatenate(cells)


def tiles_with(missing: NDArray[np.int64], size: tuple[int, int], side: int) -> int:
    """How many tiles of a picture of ``size`` miss anything, by the cells of ``missing_in``."""
    ends = [
        [
            (start // MULTIPLE, -(-min(start + side, length) // MULTIPLE))
            for start in starts(length, side, OVERLAP, MULTIPLE)
        ]
        for length in size
    ]
    return sum(bool(missing[top:low, left:right].any()) for top, low in ends[0] for left, right in ends[1])


def busiest(missing: NDArray[np.int64], size: tuple[int, int], side: int, within: int) -> tuple[slice, slice]:
    """A window of ``side``² pixels, or as many as there are, in whose middle, ``within``² pixels, most is missing."""
    reach = [min(within // MULTIPLE, length) for length in missing.shape]
    sums = np.pad(missing.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    (down, across) = reach
    boxes = sums[down:, across:] - sums[:-down, across:] - sums[down:, :-across] + sums[:-down, :-across]
    place = np.unravel_index(int(boxes.argmax()), boxes.shape)
    first = [
        max(0, min(MULTIPLE * int(one) - (side - within) // 2, length - side)) // MULTIPLE * MULTIPLE
        for one, length in zip(place, size, strict=True)
    ]
    rows, columns = (slice(one, min(one + side, length)) for one, length in zip(first, size, strict=True))
    return rows, columns


def held(picture: Picture) -> Source:
    """A picture in memory as one in windows, which looks its palette up window by window."""
    channels, alpha = picture.channels, picture.alpha is not None

    def window(rows: slice, columns: slice) -> Samples:
        part = picture.crop(rows, columns)
        colours = part.colours.reshape(*part.size, channels)
        return colours if part.alpha is None else np.dstack([colours, part.alpha])

    dtype = picture.dtype if picture.palette is None else picture.palette.dtype
    model = {1: "gray", 3: "rgb"}.get(channels, "channels")
    made = Source(picture.name, picture.size, channels, dtype, window, model, alpha, picture.metadata)
    return made.measured()
