"""Masks of large pictures, read window by window, and the region where most is missing."""

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
    """Open the mask of a large picture, and decide what it marks.

    A mask that cannot be read window by window, such as one with a palette, is kept in memory as it is stored.

    Raises:
        MaskError: it is not a picture, has a different size, or marks no pixel or all of them.
        OptionError: the polarity is unknown.
    """
    try:
        mask = opened(path) if path.exists() else None
        mask = held(read(path)) if mask is None else mask
    except PictureError as error:
        raise MaskError(f"mask {error}") from None
    return known_of(mask, source, source.metadata.orientation, polarity=polarity)


def missing_in(known: Known) -> NDArray[np.int64]:
    """Count the missing pixels in each cell of 32 × 32 pixels."""
    cells: list[NDArray[np.int64]] = []
    for rows in bands(known.shape[0]):
        counts = (~known[rows, slice(0, known.shape[1])]).astype(np.int64)
        for axis in (0, 1):
            counts = np.add.reduceat(counts, np.arange(0, counts.shape[axis], MULTIPLE), axis=axis)
        cells.append(counts)
    return np.concatenate(cells)


def tiles_with(missing: NDArray[np.int64], size: tuple[int, int], side: int) -> int:
    """The number of tiles with missing pixels in a picture of ``size``, from the cells of ``missing_in``."""
    ends = [
        [
            (start // MULTIPLE, -(-min(start + side, length) // MULTIPLE))
            for start in starts(length, side, OVERLAP, MULTIPLE)
        ]
        for length in size
    ]
    return sum(bool(missing[top:low, left:right].any()) for top, low in ends[0] for left, right in ends[1])


def busiest(missing: NDArray[np.int64], size: tuple[int, int], side: int, within: int) -> tuple[slice, slice]:
    """The window of at most ``side``² pixels with the most missing pixels in its middle of ``within``² pixels."""
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
    """Access a picture in memory window by window, applying its palette to each window."""
    channels, alpha = picture.channels, picture.alpha is not None

    def window(rows: slice, columns: slice) -> Samples:
        part = picture.crop(rows, columns)
        colours = part.colours.reshape(*part.size, channels)
        return colours if part.alpha is None else np.dstack([colours, part.alpha])

    dtype = picture.dtype if picture.palette is None else picture.palette.dtype
    model = {1: "gray", 3: "rgb"}.get(channels, "channels")
    made = Source(picture.name, picture.size, channels, dtype, window, model, alpha, picture.metadata)
    return made.measured()
