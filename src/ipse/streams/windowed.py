"""x* = Σ_k w_k x*_k, a band of rows at a time: a picture that is never whole in memory, restored tile by tile.

Tiles come row by row. As soon as the next row of them begins, all rows above it are final and go into the draft; only
a band of sums, as high as a tile, is held. What must hold in all tiles is found on squares spread over the picture.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse.engine.problem import Nothing
from ipse.pictures.levels import Samples
from ipse.pictures.tiling import Tile
from ipse.streams.restoration import Result
from ipse.streams.tiles import Tiled, enlarged

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.pictures import Picture
    from ipse.pictures.large import Draft, Source
    from ipse.settings import Settings
    from ipse.streams.restoration import Estimate


class Windowed(Tiled):
    """The stream of one tile after the other, from a source into a draft.

    Args:
        source: the damaged picture, through windows.
        draft: where rows of the result go, ``source.samples`` samples a pixel.
        task: the name of a task that sees its picture in parts.
        settings: as for ``Tiled``; of one seed.
        options: the task's own; what lies over the picture as the task's ``laid`` settled it.
        side: of a tile.
    """

    def __init__(
        self,
        source: "Source",
        draft: "Draft",
        task: str,
        settings: "Settings",
        options: Mapping[str, Any],
        *,
        side: int,
    ) -> None:
        super().__init__(source.mosaic(), task, settings, options, side=side)
        self.source, self.draft, self.size = source, draft, source.size
        self.top = 0  #: the first row of the band, which is the first that is not in the draft

    def __iter__(self) -> Iterator["Estimate | State"]:
        """Every tile's pilots and steps, in turn; then the last rows go out."""
        yield from super().__iter__()
        if self.index == self.count:
            self.flush(self.size[0])

    def prepare(self) -> None:
        """Make room for a band."""
        if self.total is None:
            height, width = min(self.side, self.size[0]), self.size[1]
            shape = (self.source.channels, height * self.factor, width * self.factor)
            self.total = np.zeros(shape, np.float32)
            self.keep = np.zeros((height, width), np.bool_)

    def seen_in(self, rows: slice, columns: slice) -> "Picture":
        """A window of the picture."""
        return self.source.crop(rows, columns)

    def add(self, tile: Tile, result: Result, keep: NDArray[np.bool_] | None = None) -> None:
        """Add a tile's picture with its weight, after the rows above it went out."""
        self.flush(tile.rows.start)
        assert self.total is not None
        assert self.keep is not None
        within = slice(tile.rows.start - self.top, tile.rows.stop - self.top)
        if keep is not None:
            self.keep[within, tile.columns] = keep
        rows, columns = (slice(s.start * self.factor, s.stop * self.factor) for s in (within, tile.columns))
        self.total[:, rows, columns] += enlarged(tile.weight, self.factor) * result.picture.pixels

    def flush(self, until: int) -> None:
        """Send the rows before ``until`` into the draft, and move the band down to it."""
        done = until - self.top
        if done <= 0:
            return
        assert self.total is not None
        assert self.keep is not None
        rows = done * self.factor
        picture = self.source.crop(slice(self.top, until), slice(0, self.size[1]))
        keep = None if self.factor > 1 else self.keep[:done]
        self.draft.write(self.top * self.factor, samples_of(picture.like(self.total[:, :rows], keep=keep)))
        self.total, self.keep = _moved(self.total, rows, 1), _moved(self.keep, done, 0)
        self.top = until

    def result(self) -> Result:
        """How it went; the picture of a ``Windowed``'s result is not the whole, which is in the draft."""
        if isinstance(self.problem, Nothing) and self.total is None:
            return Result(self.picture, self.problem.said, unchanged=True, estimates=self.problem.estimates)
        reason = self.ended()
        self.flush(self.size[0])
        return self.told(self.picture, reason)

    def state_dict(self) -> dict[str, Any]:
        """The band, and how far the draft is; what is in the draft is on the disk when this returns."""
        self.draft.sync()
        return super().state_dict() | {"top": self.top}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the tile that was under way, in the draft that was left."""
        super().load_state_dict(state)
        self.top = state["top"]


def samples_of(picture: "Picture") -> Samples:
    """A picture's samples (h, w, S), alpha last where there is one."""
    colours = picture.samples.reshape(*picture.size, -1)
    return colours if picture.alpha is None else np.dstack([colours, picture.alpha])


def _moved(band: NDArray[Any], rows: int, axis: int) -> NDArray[Any]:
    """A band without its first rows, as many empty ones at its end."""
    rest = np.zeros_like(band)
    left = band.shape[axis] - rows
    if left > 0:
        kept = [slice(None)] * axis
        rest[(*kept, slice(0, left))] = band[(*kept, slice(rows, None))]
    return rest
