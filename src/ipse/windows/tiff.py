"""TIFF and BigTIFF through windows: only the strips or tiles that a window meets are decoded."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile

from ipse.pictures.levels import Samples
from ipse.pictures.read import DAMAGE
from ipse.pictures.tiff import MODELS, metadata_of
from ipse.windows.source import Source, damaged, overlapping

PLAIN = {1, 2, 5, 8}  # photometric interpretations whose samples are pixels as they are
JPEG = {6, 7, 33007}  # compressions by which YCbCr arrives as RGB
CACHE = 128 << 20  # bytes of decoded strips or tiles that are kept: neighbours meet the same
LARGEST = 64 << 20  # bytes of one of them, beyond which a window would be most of the picture


@dataclass(eq=False)
class Page:
    """A page, whose strips or tiles are decoded when a window meets them."""

    page: tifffile.TiffPage
    name: str
    kept: OrderedDict[int, Samples] = field(default_factory=OrderedDict[int, Samples])
    size: int = 0  #: bytes of ``kept``

    @property
    def cell(self) -> tuple[int, int]:
        """(rows, columns) of a strip or tile."""
        page = self.page
        if page.is_tiled:
            return int(page.tilelength), int(page.tilewidth)
        return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth)

    @property
    def planes(self) -> int:
        """Samples that are stored apart; 1 where they are interleaved."""
        return int(self.page.samplesperpixel) if int(self.page.planarconfig) == 2 else 1

    def __call__(self, rows: slice, columns: slice) -> Samples:
        """Return a window (h, w, S).

        Raises:
            PictureError: the file is damaged there.
        """
        height, width = self.cell
        page, samples = self.page, int(self.page.samplesperpixel)
        window = np.zeros((rows.stop - rows.start, columns.stop - columns.start, samples), _native(page))
        for plane in range(self.planes):
            part = window[..., plane : plane + 1] if self.planes > 1 else window
            for down, across in overlapping(rows, columns, self.cell):
                cell = self.decoded(self.index(plane, down, across))
                if cell is not None:
                    _lay(part, cell, (down * height - rows.start, across * width - columns.start))
        return window

    def index(self, plane: int, down: int, across: int) -> int:
        """The number of a strip or tile in the file's tables."""
        grid = [-(-int(side) // cell) for side, cell in zip(_size(self.page), self.cell, strict=True)]
        return (plane * grid[0] + down) * grid[1] + across

    def decoded(self, index: int) -> Samples | None:
        """Return a strip or tile (h, w, S); None for one that the file leaves out, all zero."""
        if index in self.kept:
            self.kept.move_to_end(index)
            return self.kept[index]
        try:
            found = self._decode(index)
        except DAMAGE as error:
            raise damaged(self.name, error) from None
        if found is not None:
            self.kept[index] = found
            self.size += found.nbytes
            while self.size > CACHE and len(self.kept) > 1:
                self.size -= self.kept.popitem(last=False)[1].nbytes
        return found

    def _decode(self, index: int) -> Samples | None:
        page = self.page
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if not count:
            return None
        file = page.parent.filehandle
        file.seek(offset)
        tables = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        decode = cast("Callable[..., tuple[Samples | None, Any, tuple[int, ...]]]", page.decode)
        wanted = tables if int(page.compression) in (*JPEG, 34892) else {}
        data, _, shape = decode(file.read(count), index, **wanted)
        return None if data is None else np.asarray(data)[0, : shape[1], : shape[2]]


def tiff_source(path: Path) -> Source | None:
    """Open a TIFF file's first page; None where its samples cannot be taken as they are, window by window.

    Raises:
        PictureError: the file ends before its data do.
    """
    tif = tifffile.TiffFile(path)
    page = cast("tifffile.TiffPage", tif.pages[0])
    through = Page(page, str(path))
    if not _is_plain(page) or prod(through.cell) * page.samplesperpixel * _native(page).itemsize > LARGEST:
        tif.close()
        return None
    for start, count in _places(page):
        if start + count > tif.filehandle.size:
            raise damaged(
                str(path), f"its data end at byte {start + count}, the file at {tif.filehandle.size}"
            )
    with path.open("rb") as file:
        metadata = metadata_of(file, page, premultiplied=tuple(page.extrasamples) == (1,))
    extras = tuple(int(extra) for extra in page.extrasamples)
    alpha = extras in ((1,), (2,))
    channels = int(page.samplesperpixel) - alpha
    model = "gray" if channels == 1 else MODELS.get(int(page.photometric), "channels")
    return Source(
        name=str(path),
        size=_size(page),
        channels=channels,
        dtype=_native(page),
        window=through,
        model=model if channels in (1, {"rgb": 3, "lab": 3, "cmyk": 4}.get(model)) else "channels",
        alpha=alpha,
        metadata=metadata,
        format="TIFF",
        frames=len(tif.pages),
    )


def _is_plain(page: tifffile.TiffPage) -> bool:
    """Whether every sample is a number of its own, of whole bytes."""
    colours = int(page.photometric)
    plain = colours in PLAIN or (colours == 6 and int(page.compression) in JPEG)
    whole = page.dtype is not None and int(page.bitspersample) == 8 * page.dtype.itemsize
    return plain and whole and int(page.imagedepth) == 1


def _native(page: tifffile.TiffPage) -> np.dtype[Any]:
    return np.dtype(page.dtype).newbyteorder("=")


def _size(page: tifffile.TiffPage) -> tuple[int, int]:
    return int(page.imagelength), int(page.imagewidth)


def _places(page: tifffile.TiffPage) -> Iterator[tuple[int, int]]:
    return zip(page.dataoffsets, page.databytecounts, strict=True)


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
