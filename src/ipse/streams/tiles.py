"""x* = Σ_k w_k x*_k: restore a picture that is too large for one fit, tile by tile.

Each tile is a restoration of its own, of the same seed; what was found in the whole picture (noise, mask) holds in all
of them. Only one tile's fit is in memory, with the sum so far (``streams.sums``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ipse import tasks
from ipse.engine.problem import Nothing
from ipse.pictures import Known, Mask, Picture
from ipse.pictures.coarse import grain, large, shrunk
from ipse.pictures.tiling import Tile, count, enlargement, nth
from ipse.settings import Place, Settings, Within
from ipse.streams.cut import Cut
from ipse.streams.parts import Parts
from ipse.streams.seeds import whole
from ipse.streams.stream import Result, Stream
from ipse.streams.sums import Sum

if TYPE_CHECKING:
    from ipse.pictures.large import Source

Opening = Callable[[Picture, str, Settings, Mapping[str, Any]], Stream]


class Tiles(Cut):
    """Overlapping tiles of a picture, row by row.

    Args:
        seen: the picture, in memory or read window by window.
        task: name of a task.
        settings: settings of the whole picture.
        options: the task's own options; for a source, as returned by the task's ``laid``.
        side: side of a tile, in pixels of the damaged picture.
        open_tile: opens a tile's restoration.
    """

    noun = "tile"
    preliminary = "downsampled picture"

    def __init__(
        self,
        seen: "Picture | Source",
        task: str,
        settings: Settings,
        options: Mapping[str, Any],
        *,
        side: int,
        open_tile: Opening = whole,
    ) -> None:
        super().__init__(seen if isinstance(seen, Picture) else seen.mosaic(), settings)
        self.seen, self.size, self.side = seen, seen.size, side
        self.task, self.options, self.open_tile = task, options, open_tile
        self.factor, self.grain = enlargement(options), grain(seen.size, side)
        self.guess: NDArray[np.float32] | None = None  #: (C, h, w), the result for the downsampled picture
        self.found: Mapping[str, Any] = {}  #: the options, completed by an analysis of the whole picture

    @property
    def count(self) -> int:
        """The number of tiles."""
        return count(self.size, tile=self.side, factor=self.factor)

    @property
    def fits(self) -> int:
        """One fit per seed."""
        return self.settings.seeds

    def tile(self, index: int) -> Tile:
        """The tile with the given number."""
        return nth(self.size, index, tile=self.side, factor=self.factor)

    def place(self, index: int) -> tuple[slice, slice]:
        """The position of a tile."""
        tile = self.tile(index)
        return tile.rows, tile.columns

    def piece(self, tile: Tile) -> Picture:
        """The part of the picture in a tile."""
        return self.seen.crop(tile.rows, tile.columns)

    def begin(self) -> Nothing | None:
        """Let the task analyse the whole picture."""
        found = tasks.look(self.task)(self.picture, self.settings, **self.options)
        if isinstance(found, Nothing):
            return found
        self.found = found
        return None

    def first(self, seconds: float | None) -> Stream | None:
        """Open the restoration of the downsampled picture, if tiles would otherwise not agree."""
        if self.guess is not None:
            return None
        shrink = partial(shrunk, self.size, self.grain, self.seen.crop)
        posed = tasks.coarse(self.task)(shrink, **self.found)
        if posed is None:
            return None
        return whole(posed[0], self.task, replace(self.settings, seconds=seconds, seeds=1), posed[1])

    def take_first(self, result: Result) -> None:
        """Store the result for the downsampled picture, as a guess for all tiles."""
        self.guess = result.picture.pixels

    def open(self, index: int, seconds: float | None) -> Stream:
        """Open the restoration of one tile."""
        tile = self.tile(index)
        place = Place(tile.rows.start, tile.columns.start, self.size)
        shared = vars(replace(self.settings, seconds=seconds))
        settings = Within(**shared, place=place, guess=self.guessed(tile), grain=self.grain)
        return self.open_tile(self.piece(tile), self.task, settings, self.told(tile))

    def told(self, tile: Tile) -> dict[str, Any]:
        """The options of one tile."""
        return options_within(self.found, self.size, tile.rows, tile.columns)

    def guessed(self, tile: Tile) -> NDArray[np.float32] | None:
        """The part of the guess in a tile."""
        if self.guess is None:
            return None
        return large(self.guess, self.grain, tile.rows, tile.columns)

    @property
    def known(self) -> Mask | Known | None:
        """The pixels that must not change; None if there are none."""
        mask = self.found.get("mask")
        return mask if isinstance(mask, Mask | Known) else None

    @property
    def estimates(self) -> Mapping[str, Any]:
        """The estimates of a mask."""
        return {} if self.known is None else self.known.estimates

    @property
    def beside(self) -> Mapping[str, NDArray[np.float32]]:
        """A mask that was found in the whole picture."""
        mask = self.known if self.found.get("find") else None
        return {"mask": (~mask.known).astype(np.float32)} if isinstance(mask, Mask) else {}

    def unreached(self, tile: Tile) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """An unrestored tile (C, h, w), its gaps filled from the guess, and its pixels that must not change."""
        pixels, guess = self.piece(tile).pixels, self.guessed(tile)
        known = self.told(tile).get("mask")
        if known is not None and guess is not None:
            pixels = np.where(known, pixels, guess)
        return pixels, None if self.known is None else known

    def state_dict(self) -> dict[str, Any]:
        """The state of the guess."""
        return {"guess": None if self.guess is None else torch.from_numpy(self.guess)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the guess."""
        self.guess = None if state["guess"] is None else state["guess"].cpu().numpy()


def tiled(
    picture: Picture,
    task: str,
    settings: Settings,
    options: Mapping[str, Any],
    *,
    side: int,
    open_tile: Opening = whole,
) -> Parts:
    """Open the restoration of a picture in memory, tile by tile; see ``Tiles``."""
    cut = Tiles(picture, task, settings, options, side=side, open_tile=open_tile)
    return Parts(cut, Sum(cut))


def options_within(
    options: Mapping[str, Any], size: tuple[int, int], rows: slice, columns: slice
) -> dict[str, Any]:
    """The options for a part of a picture of ``size``; masks are cropped like the picture."""
    return {
        name: value[rows, columns] if lies_over(value, size) else value for name, value in options.items()
    }


def lies_over(value: Any, size: tuple[int, int]) -> bool:
    """Whether an option is an array of the picture's ``size``, such as a mask."""
    return isinstance(value, np.ndarray | Mask | Known) and value.shape[:2] == size
