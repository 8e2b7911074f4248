"""x* = Σ_k w_k x*_k: what becomes of tiles, whole in memory or a band of rows at a time.

Weights feather the overlaps. Tiles come row by row: as soon as the next row of them begins, all rows above it are
final and can go into a draft, so that only a band of sums, as high as a tile, is held.
"""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ipse.errors import RunError
from ipse.pictures.tiling import Tile
from ipse.streams.cut import Join
from ipse.streams.stream import EARLY, Result, Stream

if TYPE_CHECKING:
    from ipse.pictures import Picture
    from ipse.pictures.large import Draft, Source
    from ipse.pictures.levels import Samples
    from ipse.settings import Settings

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


class Tiling(Protocol):
    """What a sum asks of the cut: ``streams.tiles.Tiles``."""

    picture: "Picture"
    settings: "Settings"
    size: tuple[int, int]
    side: int
    factor: int
    guess: Floats | None

    @property
    def count(self) -> int:
        """How many tiles there are."""
        ...

    def tile(self, index: int) -> Tile:
        """A tile by its number."""
        ...

    def unreached(self, tile: Tile) -> tuple[Floats, Flags | None]:
        """A tile without a restoration, and what of it must stay."""
        ...


class Sum(Join):
    """The weighted sum of tiles, in memory.

    Args:
        tiling: the cut.
    """

    arrays = ("total", "keep", "spread")  # that a checkpoint holds

    def __init__(self, tiling: Tiling) -> None:
        self.tiling = tiling
        self.total: Floats | None = None
        self.keep: Flags | None = None  #: where the samples must stay as they were stored
        self.spread: Floats | None = None  #: Σ_k w_k s_k, the disagreement of several seeds

    def begin(self) -> None:
        """Make room for the sum."""
        if self.total is None:
            height, width = (length * self.tiling.factor for length in self.tiling.size)
            self.total = np.zeros((self.tiling.picture.channels, height, width), np.float32)
            self.spread = np.zeros((height, width), np.float32) if self.tiling.settings.seeds > 1 else None

    def add(self, index: int, stream: Stream, result: Result) -> None:
        """Add a tile's picture with its weight; a tile with nothing to restore, as it was."""
        keep = None if stream.problem is None else stream.problem.keep
        tile = self.tiling.tile(index)
        self.put(tile, result.picture.pixels, keep)
        if result.disagreement is None and not result.unchanged:  # one run was all that there was time for
            self.spread = None
        elif self.spread is not None and result.disagreement is not None:
            rows, columns = self.scaled(tile.rows, tile.columns)
            self.spread[rows, columns] += enlarged(tile.weight, self.tiling.factor) * result.disagreement

    def put(self, tile: Tile, pixels: Floats, keep: Flags | None) -> None:
        """Add pixels with a tile's weight."""
        assert self.total is not None
        if keep is not None:
            self.keep = np.zeros(self.tiling.size, np.bool_) if self.keep is None else self.keep
            self.keep[tile.rows, tile.columns] = keep
        rows, columns = self.scaled(tile.rows, tile.columns)
        self.total[:, rows, columns] += enlarged(tile.weight, self.tiling.factor) * pixels

    def scaled(self, *places: slice) -> tuple[slice, ...]:
        """Places in the result."""
        factor = self.tiling.factor
        return tuple(slice(place.start * factor, place.stop * factor) for place in places)

    def result(self, done: int, *, ended: bool) -> Result:  # noqa: ARG002 - tiles are counted
        """The whole picture; where no tile was reached, the picture as it came."""
        reason = self.completed(done)
        assert self.total is not None
        picture = self.tiling.picture.like(self.total, keep=self.keep)
        return Result(picture, reason, disagreement=self.spread)

    def completed(self, done: int) -> str:
        """Fill what no tile has reached from the picture itself, and return why the stream ended."""
        tiling = self.tiling
        if self.total is None:
            raise RunError(EARLY)
        if done == tiling.count:
            return f"all {done} tiles done" if done > 1 else "done in one tile"
        self.spread = None  # of what was not restored nothing is known
        for index in range(done, tiling.count):
            tile = tiling.tile(index)
            pixels, keep = tiling.unreached(tile)
            self.put(tile, enlarged(pixels, tiling.factor), keep)
        filled = "" if tiling.guess is None else "; what is missing there is that of the whole made small"
        return f"cancelled after {done} of {tiling.count} tiles; the rest is as it came{filled}"

    def state_dict(self) -> dict[str, Any]:
        """The sum of the tiles that are done."""
        arrays = {name: getattr(self, name) for name in self.arrays}
        return {name: None if array is None else torch.from_numpy(array) for name, array in arrays.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the sum back."""
        for name in self.arrays:
            setattr(self, name, None if state[name] is None else state[name].cpu().numpy())


class SumInDraft(Sum):
    """The weighted sum of tiles, sent into a draft as soon as its rows are final.

    The picture of its result is not the whole, which is in the draft.

    Args:
        tiling: the cut.
        source: the damaged picture, through windows.
        draft: where rows of the result go, ``source.samples`` samples a pixel.
    """

    def __init__(self, tiling: Tiling, source: "Source", draft: "Draft") -> None:
        super().__init__(tiling)
        self.source, self.draft = source, draft
        self.top = 0  #: the first row of the band, which is the first that is not in the draft

    def begin(self) -> None:
        """Make room for a band."""
        if self.total is None:
            tiling = self.tiling
            height, width = min(tiling.side, tiling.size[0]), tiling.size[1]
            shape = (self.source.channels, height * tiling.factor, width * tiling.factor)
            self.total = np.zeros(shape, np.float32)
            self.keep = np.zeros((height, width), np.bool_)

    def put(self, tile: Tile, pixels: Floats, keep: Flags | None) -> None:
        """Add pixels with a tile's weight, after the rows above it went out."""
        self.flush(tile.rows.start)
        within = slice(tile.rows.start - self.top, tile.rows.stop - self.top)
        assert self.total is not None
        assert self.keep is not None
        if keep is not None:
            self.keep[within, tile.columns] = keep
        rows, columns = self.scaled(within, tile.columns)
        self.total[:, rows, columns] += enlarged(tile.weight, self.tiling.factor) * pixels

    def end(self) -> None:
        """Send the last rows out."""
        self.flush(self.tiling.size[0])

    def flush(self, until: int) -> None:
        """Send the rows before ``until`` into the draft, and move the band down to it."""
        done, factor = until - self.top, self.tiling.factor
        if done <= 0:
            return
        assert self.total is not None
        assert self.keep is not None
        picture = self.source.crop(slice(self.top, until), slice(0, self.tiling.size[1]))
        keep = None if factor > 1 else self.keep[:done]
        rows = picture.like(self.total[:, : done * factor], keep=keep)
        self.draft.write(self.top * factor, samples_of(rows))
        self.total, self.keep = _moved(self.total, done * factor, 1), _moved(self.keep, done, 0)
        self.top = until

    def result(self, done: int, *, ended: bool) -> Result:  # noqa: ARG002 - tiles are counted
        """How it went."""
        reason = self.completed(done)
        self.end()
        return Result(self.tiling.picture, reason)

    def state_dict(self) -> dict[str, Any]:
        """The band, and how far the draft is; what is in the draft is on the disk when this returns."""
        self.draft.sync()
        return super().state_dict() | {"top": self.top}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the band back above the draft that was left."""
        super().load_state_dict(state)
        self.top = state["top"]


def enlarged(pixels: Floats, factor: int) -> Floats:
    """(…, H, W), each pixel repeated ``factor`` times down and across."""
    return pixels if factor == 1 else pixels.repeat(factor, -2).repeat(factor, -1)


def samples_of(picture: "Picture") -> "Samples":
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
