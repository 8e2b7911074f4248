"""Read TIFF and BigTIFF window by window, decoding only the strips or tiles that overlap the window."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile

from ipse.pictures.large.source import Source, damaged, overlapping
from ipse.pictures.levels import Samples
from ipse.pictures.picture import CHANNELS
from ipse.pictures.raw import check_developed
from ipse.pictures.read import DAMAGE
from ipse.pictures.tiff import MODELS, metadata_of

PLAIN = {1, 2, 5}  # photometric interpretations whose samples need no conversion
JPEG = {6, 7, 33007}  # compressions for which YCbCr is decoded to RGB
CACHE = 128 << 20  # size in bytes of the cache of decoded strips or tiles, which neighbouring windows share
LARGEST = 64 << 20  # maximum size in bytes of a strip or tile; with larger ones, windows do not save memory


@dataclass(eq=False)
class Page:
    """A page, whose strips or tiles are read and decoded on demand."""

    path: Path
    size: tuple[int, int]
    samples: int
    dtype: np.dtype[Any]
    cell: tuple[int, int]  #: (rows, columns) of a strip or tile
    planes: int  #: number of separately stored planes; 1 if samples are interleaved
    places: list[tuple[int, int]]  #: offset and length of each strip or tile
    decode: Callable[[bytes, int], tuple[Samples | None, Any, tuple[int, ...]]]
    kept: OrderedDict[int, Samples] = field(default_factory=OrderedDict[int, Samples])
    held: int = 0  #: size of ``kept`` in bytes

    @classmethod
    def of(cls, page: tifffile.TiffPage, path: Path) -> "Page":
        """Collect from a page of an open file everything that later reads need."""
        size = (int(page.imagelength), int(page.imagewidth))
        strips = (min(int(page.rowsperstrip), size[0]), size[1])
        samples = int(page.samplesperpixel)
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        return cls(
            path,
            size,
            samples,
            np.dtype(page.dtype).newbyteorder("="),
            cell=(int(page.tilelength), int(page.tilewidth)) if page.is_tiled else strips,
            planes=samples if int(page.planarconfig) == 2 else 1,
            places=list(zip(page.dataoffsets, page.databytecounts, strict=True)),
            decode=partial(page.decode, **(tables if int(page.compression) in (*JPEG, 34892) else {})),
        )

    def __call__(self, rows: slice, columns: slice) -> Samples:
        """Return a window (h, w, S).

        Raises:
            PictureError: the file is damaged there.
        """
        height, width = self.cell
        shape = (rows.stop - rows.start, columns.stop - columns.start, self.samples)
        window = np.zeros(shape, self.dtype)
        for plane in range(self.planes):
            part = window[..., plane : plane + 1] if self.planes > 1 else window
            for down, across in overlapping(rows, columns, self.cell):
                cell = self.decoded(self.index(plane, down, across))
                if cell is not None:
                    _lay(part, cell, (down * height - rows.start, across * width - columns.start))
        return window

    def index(self, plane: int, down: int, across: int) -> int:
        """The index of a strip or tile in the file's tables."""
        grid = [-(-side // cell) for side, cell in zip(self.size, self.cell, strict=True)]
        return (plane * grid[0] + down) * grid[1] + across

    def decoded(self, index: int) -> Samples | None:
        """Return a strip or tile (h, w, S); None for one that the file omits because it is zero."""
        if index in self.kept:
            self.kept.move_to_end(index)
            return self.kept[index]
        try:
            found = self._decode(index)
        except DAMAGE as error:
            raise damaged(str(self.path), error) from None
        if found is not None:
            self.kept[index] = found
            self.held += found.nbytes
            while self.held > CACHE and len(self.kept) > 1:
                self.held -= self.kept.popitem(last=False)[1].nbytes
        return found

    def _decode(self, index: int) -> Samples | None:
        offset, count = self.places[index]
        if not count:
            return None
        with self.path.open("rb") as file:
            file.seek(offset)
            data, _, shape = self.decode(file.read(count), index)
        return None if data is None else np.asarray(data)[0, : shape[1], : shape[2]]


def tiff_source(path: Path) -> Source | None:
    """Open the first page of a TIFF file; None if it cannot be read window by window without conversion.

    Raises:
        PictureError: the file is truncated, or a camera raw file.
    """
    with tifffile.TiffFile(path) as tif, path.open("rb") as file:
        page = cast("tifffile.TiffPage", tif.pages[0])
        check_developed(page, name=str(path))
        if not _is_plain(page):
            return None
        through, length = Page.of(page, path), tif.filehandle.size
        metadata = metadata_of(file, page, premultiplied=tuple(page.extrasamples) == (1,))
        alpha = tuple(int(extra) for extra in page.extrasamples) in ((1,), (2,))
        model, frames = MODELS.get(int(page.photometric), "channels"), len(tif.pages)
    end = max(start + count for start, count in through.places)
    if end > length:
        raise damaged(str(path), f"its data end at byte {end}, the file at {length}")
    if prod(through.cell) * through.samples * through.dtype.itemsize > LARGEST:
        return None
    channels = through.samples - alpha
    known = channels == CHANNELS.get(model)
    return Source(
        name=str(path),
        size=through.size,
        channels=channels,
        dtype=through.dtype,
        window=through,
        model="gray" if channels == 1 else model if known else "channels",
        alpha=alpha,
        metadata=metadata,
        format="TIFF",
        frames=frames,
    )


def _is_plain(page: tifffile.TiffPage) -> bool:
    """Whether every sample is stored separately in whole bytes."""
    colours = int(page.photometric)
    plain = colours in PLAIN or (colours == 6 and int(page.compression) in JPEG)
    whole = page.dtype is not None and int(page.bitspersample) == 8 * page.dtype.itemsize
    return plain and whole and int(page.imagedepth) == 1


def _lay(window: Samples, cell: Samples, at: tuple[int, int]) -> None:
    """Copy a cell to position ``at`` of a window."""
    here, there = zip(
        *(_meeting(*one) for one in zip(at, cell.shape, window.shape, strict=False)), strict=True
    )
    window[here] = cell[there]


def _meeting(start: int, length: int, room: int) -> tuple[slice, slice]:
    """The overlap of a part that begins at ``start`` with [0, room), as slices of the whole and of the part."""
    first, last = max(0, start), min(room, start + length)
    return slice(first, last), slice(first - start, last - start)
