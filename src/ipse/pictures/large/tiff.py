"""TIFF and BigTIFF through windows: only the strips or tiles that a window meets are decoded."""

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

PLAIN = {1, 2, 5}  # photometric interpretations whose samples are pixels as they are
JPEG = {6, 7, 33007}  # compressions by which YCbCr arrives as RGB
CACHE = 128 << 20  # bytes of decoded strips or tiles that are kept: neighbours meet the same
LARGEST = 64 << 20  # bytes of one of them, beyond which a window would be most of the picture


@dataclass(eq=False)
class Page:
    """A page, whose strips or tiles are read and decoded when a window meets them."""

    path: Path
    size: tuple[int, int]
    samples: int
    dtype: np.dtype[Any]
    cell: tuple[int, int]  #: (rows, columns) of a strip or tile
    planes: int  #: samples that are stored apart; 1 where they are interleaved
    places: list[tuple[int, int]]  #: offset and length of each strip or tile
    decode: Callable[[bytes, int], tuple[Samples | None, Any, tuple[int, ...]]]
    kept: OrderedDict[int, Samples] = field(default_factory=OrderedDict[int, Samples])
    held: int = 0  #: bytes of ``kept``

    @classmethod
    def of(cls, page: tifffile.TiffPage, path: Path) -> "Page":
        """Take from a page in an open file all that later windows need."""
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
        """The number of a strip or tile in the file's tables."""
        grid = [-(-side // cell) for side, cell in zip(self.size, self.cell, strict=True)]
        return (plane * grid[0] + down) * grid[1] + across

    def decoded(self, index: int) -> Samples | None:
        """Return a strip or tile (h, w, S); None for one that the file leaves out, all zero."""
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
    """Open a TIFF file's first page; None where its samples cannot be taken as they are, window by window.

    Raises:
        PictureError: the file ends before its data do, or is a camera's raw file.
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
    """Whether every sample is a number of its own, of whole bytes."""
    colours = int(page.photometric)
    plain = colours in PLAIN or (colours == 6 and int(page.compression) in JPEG)
    whole = page.dtype is not None and int(page.bitspersample) == 8 * page.dtype.itemsize
    return plain and whole and int(page.imagedepth) == 1


def _lay(window: Samples, cell: Samples, at: tuple[int, int]) -> None:
    """Copy a cell into a window, whose corner it has at ``at``."""
    here, there = zip(
        *(_meeting(*one) for one in zip(at, cell.shape, window.shape, strict=False)), strict=True
    )
    window[here] = cell[there]


def _meeting(start: int, length: int, room: int) -> tuple[slice, slice]:
    """Where a part that begins at ``start`` meets [0, room): there, and in the part itself."""
    first, last = max(0, start), min(room, start + length)
    return slice(first, last), slice(first - start, last - start)
