"""x* = Σ_k w_k x*_k: the weighted sum of tiles, in memory or in bands of rows.

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
    """The part of the interface of ``streams.tiles.Tiles`` that sums need."""

    picture: "Picture"
    settings: "Settings"
    size: tuple[int, int]
    side: int
    factor: int
    guess: Floats | None

    @property
    def count(self) -> int:
        """The number of tiles."""
        ...

    def tile(self, index: int) -> Tile:
        """The tile with the given number."""
        ...

    def unreached(self, tile: Tile) -> tuple[Floats, Flags | None]:
        """An unrestored tile, and its pixels that must not change."""
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
        self.keep: Flags | None = None  #: pixels whose stored samples must not change
        self.spread: Floats | None = None  #: Σ_k w_k s_k, the disagreement of several seeds

    def begin(self) -> None:
        """Allocate the sum."""
        if self.total is None:
            height, width = (length * self.tiling.factor for length in self.tiling.size)
            self.total = np.zeros((self.tiling.picture.channels, height, width), np.float32)
            self.spread = np.zeros((height, width), np.float32) if self.tiling.settings.seeds > 1 else None

    def add(self, index: int, stream: Stream) -> Result:
        """Add a tile's picture with its weight; a tile with nothing to restore is added unchanged."""
        keep = None if stream.problem is None else stream.problem.keep
        tile, result = self.tiling.tile(index), stream.result()
        self.put(tile, result.picture.pixels, keep)
        if result.disagreement is None and not result.unchanged:  # there was only time for one run
            self.spread = None
        elif self.spread is not None and result.disagreement is not None:
            rows, columns = self.scaled(tile.rows, tile.columns)
            self.spread[rows, columns] += enlarged(tile.weight, self.tiling.factor) * result.disagreement
        return result

    def put(self, tile: Tile, pixels: Floats, keep: Flags | None) -> None:
        """Add pixels with a tile's weight."""
        assert self.total is not None
        if keep is not None:
            self.keep = np.zeros(self.tiling.size, np.bool_) if self.keep is None else self.keep
            self.keep[tile.rows, tile.columns] = keep
        rows, columns = self.scaled(tile.rows, tile.columns)
        self.total[:, rows, columns] += enlarged(tile.weight, self.tiling.factor) * pixels

    def scaled(self, *places: slice) -> tuple[slice, ...]:
        """The slices of a tile in the result."""
        factor = self.tiling.factor
        return tuple(slice(place.start * factor, place.stop * factor) for place in places)

    def result(self, done: int, *, ended: bool) -> Result:  # noqa: ARG002 - tiles are counted
        """The whole picture; regions without a finished tile are unchanged."""
        reason = self.completed(done)
        assert self.total is not None
        picture = self.tiling.picture.like(self.total, keep=self.keep)
        return Result(picture, reason, disagreement=self.spread)

    def completed(self, done: int) -> str:
        """Copy regions without a finished tile from the picture, and return the reason why the stream ended."""
        tiling = self.tiling
        if self.total is None:
            raise RunError(EARLY)
        if done == tiling.count:
            return f"all {done} tiles done" if done > 1 else "done in one tile"
        self.spread = None  # unknown for unrestored regions
        for index in range(done, tiling.count):
            tile = tiling.tile(index)
            pixels, keep = tiling.unreached(tile)
            self.put(tile, enlarged(pixels, tiling.factor), keep)
        filled = (
            "" if tiling.guess is None else "; missing pixels there are filled from the downsampled picture"
        )
        return f"cancelled after {done} of {tiling.count} tiles; the rest is unchanged{filled}"

    def state_dict(self) -> dict[str, Any]:
        """The sum of the finished tiles."""
        arrays = {name: getattr(self, name) for name in self.arrays}
        return {name: None if array is None else torch.from_numpy(array) for name, array in arrays.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the sum."""
        for name in self.arrays:
            setattr(self, name, None if state[name] is None else state[name].cpu().numpy())


class SumInDraft(Sum):
    """The weighted sum of tiles, whose rows are written to a draft as soon as they are final.

    The result's picture is only a part; the whole is in the draft.

    Args:
        tiling: the cut.
        source: the damaged picture, read window by window.
        draft: receives the rows of the result, with ``source.samples`` samples per pixel.
    """

    def __init__(self, tiling: Tiling, source: "Source", draft: "Draft") -> None:
        super().__init__(tiling)
        self.source, self.draft = source, draft
        self.top = 0  #: first row of the band, which is the first one not yet in the draft

    def begin(self) -> None:
        """Allocate a band."""
        if self.total is None:
            tiling = self.tiling
            height, width = min(tiling.side, tiling.size[0]), tiling.size[1]
            shape = (self.source.channels, height * tiling.factor, width * tiling.factor)
            self.total = np.zeros(shape, np.float32)
            self.keep = np.zeros((height, width), np.bool_)

    def put(self, tile: Tile, pixels: Floats, keep: Flags | None) -> None:
        """Add pixels with a tile's weight, after writing the rows above it."""
        self.flush(tile.rows.start)
        within = slice(tile.rows.start - self.top, tile.rows.stop - self.top)
        assert self.total is not None
        assert self.keep is not None
        if keep is not None:
            self.keep[within, tile.columns] = keep
        rows, columns = self.scaled(within, tile.columns)
        self.total[:, rows, columns] += enlarged(tile.weight, self.tiling.factor) * pixels

    def end(self) -> None:
        """Write the last rows."""
        self.flush(self.tiling.size[0])

    def flush(self, until: int) -> None:
        """Write the rows before ``until`` to the draft, and move the band down."""
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
        """The band, and the position in the draft, which is synchronised to the disk."""
        self.draft.sync()
        return super().state_dict() | {"top": self.top}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the band and the position in the draft."""
        super().load_state_dict(state)
        self.top = state["top"]


def enlarged(pixels: Floats, factor: int) -> Floats:
    """(…, H, W), each pixel repeated ``factor`` times down and across."""
    return pixels if factor == 1 else pixels.repeat(factor, -2).repeat(factor, -1)


def samples_of(picture: "Picture") -> "Samples":
    """A picture's samples (h, w, S), with alpha last if there is one."""
    colours = picture.samples.reshape(*picture.size, -1)
    return colours if picture.alpha is None else np.dstack([colours, picture.alpha])


def _moved(band: NDArray[Any], rows: int, axis: int) -> NDArray[Any]:
    """The band without its first rows, padded with empty ones at the end."""
    rest = np.zeros_like(band)
    left = band.shape[axis] - rows
    if left > 0:
        kept = [slice(None)] * axis
        rest[(*kept, slice(0, left))] = band[(*kept, slice(rows, None))]
    return rest
