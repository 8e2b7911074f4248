"""What JPEG compression kept of a picture: the cells of its file, of the one it was decoded from, or one before."""

from typing import NamedTuple

from torch import Tensor

from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.operators.jpeg_clipped import cells_of_decoded
from ipse.engine.operators.jpeg_estimate import estimate_jpeg
from ipse.engine.operators.jpeg_twice import cells_of_first, find_first
from ipse.pictures import JpegInfo, Picture, standard_table
from ipse.tasks._off_grid import Place, whole_blocks


class Compression(NamedTuple):
    """A JPEG compression."""

    cells: JpegCells
    quality: int  #: IJG's, from the file, given or estimated
    place: Place  #: the rows and columns that the cells cover
    last: "Compression | None" = None  #: a finer one after it

    @property
    def cut(self) -> bool:
        """Whether the picture was cropped in between."""
        return self.last is not None and self.last.place != self.place

    @property
    def said(self) -> str:
        """It in words."""
        after = "" if self.last is None else f", saved again at quality {self.last.quality}"
        return f"a JPEG of quality {self.quality}{after}"

    @property
    def estimates(self) -> dict[str, object]:
        """What is known of it, for the report."""
        once: dict[str, object] = {"quality": self.quality}
        return once if self.last is None else once | {"again": self.last.quality}


def compression(y: Tensor, picture: Picture, quality: int | None) -> Compression | None:
    """The coarsest JPEG compression of a picture y (1, C, H, W); None if there is no trace of one.

    A ``quality`` that is given is believed.
    """
    if quality is not None:
        colours = y.shape[1] in (1, 3) or picture.model == "cmyk"
        return _decoded(y, quality, (0, 0)) if colours else None
    if picture.jpeg is not None:
        last = _of_file(y, picture.jpeg)
    elif y.shape[1] in (1, 3) and (trace := estimate_jpeg(y[0].cpu())) is not None:
        last = _decoded(y, trace.quality, trace.offset)
    else:
        return None
    return _before(last, y) or last


def _of_file(y: Tensor, info: JpegInfo) -> Compression:
    parts = info.components
    cells = JpegCells(
        info.coefficients,
        [part.table for part in parts],
        [(part.h, part.v) for part in parts],
        size=info.size,
        ycc=info.colours in ("ycc", "ycck"),
    )
    return Compression(cells.to(y.device), info.quality, whole_blocks(info.size, (0, 0)))


def _decoded(y: Tensor, quality: int, offset: tuple[int, int]) -> Compression:
    place = whole_blocks((y.shape[-2], y.shape[-1]), offset)
    channels = y.shape[1]
    colour = channels == 3  # Y, Cb, Cr; the four planes of CMYK share one table
    tables = [standard_table(quality, chrominance=colour and channel > 0) for channel in range(channels)]
    cells = cells_of_decoded(y[..., *place], tables, [(1, 1)] * channels, ycc=colour)
    return Compression(cells.to(y.device), quality, place)


def _before(last: Compression, y: Tensor) -> Compression | None:
    """The coarser compression before the last one; None if there was none."""
    seen = y[..., *last.place]
    trace = find_first(last.cells, seen)
    if trace is None:
        return None
    place = last.place
    if trace.offset != (0, 0):
        within = whole_blocks((seen.shape[-2], seen.shape[-1]), trace.offset)
        seen = seen[..., *within]
        place = _inside(place[0], within[0]), _inside(place[1], within[1])
    return Compression(cells_of_first(last.cells, seen, trace), trace.quality, place, last)


def _inside(outer: slice, inner: slice) -> slice:
    return slice(outer.start + inner.start, outer.start + inner.stop)
