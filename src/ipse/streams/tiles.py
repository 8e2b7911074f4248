"""x* = Σ_k w_k x*_k: a picture too large for one fit, restored tile by tile.

Each tile is a restoration of its own, of the same seed; what was found in the whole picture (noise, mask) holds in all
of them. Weights feather the overlaps. Only one tile's fit is in memory, with the sum so far.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse import tasks
from ipse.engine.problem import Nothing
from ipse.errors import RunError
from ipse.pictures import Known, Mask, Picture
from ipse.pictures.coarse import grain, large, shrunk
from ipse.pictures.tiling import Tile, count, enlargement, side_for, tiles
from ipse.settings import Place, Settings, Within
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration, Result
from ipse.streams.seeds import Reach, whole

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.streams.restoration import Estimate

Opening = Callable[[Picture, str, Settings, Mapping[str, Any]], Restoration]
ARRAYS = ("total", "keep", "spread", "guess")  # of a ``Tiled``, that a checkpoint holds


class Tiled(Parts):
    """The stream of one tile after the other.

    Args:
        picture: the damaged picture.
        task: the name of a task.
        settings: as for a whole picture; ``seconds`` is shared out among the tiles.
        options: the task's own.
        side: of a tile, in pixels of the damaged picture.
        opened: what opens a tile's restoration.
    """

    def __init__(
        self,
        picture: Picture,
        task: str,
        settings: Settings | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        side: int,
        opened: Opening = whole,
    ) -> None:
        super().__init__(picture, task, settings, options)
        self.side, self.size, self.opened = side, picture.size, opened
        self.total: NDArray[np.float32] | None = None
        self.keep: NDArray[np.bool_] | None = None  #: where the samples must come back to the bit
        self.spread: NDArray[np.float32] | None = None  #: Σ_k w_k s_k, the disagreement of several seeds
        self.guess: NDArray[np.float32] | None = None  #: (C, h, w), the result of the whole made small …
        self.small = False  #: … whose restoration is under way
        self.found: Mapping[str, Any] = {}  #: the options, with what only the whole can tell

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return count(self.size, tile=self.side, factor=self.factor)

    def __iter__(self) -> Iterator["Estimate | State"]:
        """Every tile's pilots and steps, in turn."""
        found = tasks.look(self.name)(self.picture, self.settings, **self.options)
        if isinstance(found, Nothing):
            self.problem = found
            return
        self.found = found
        self.prepare()
        yield from self.first(found)
        for tile in islice(tiles(self.size, tile=self.side, factor=self.factor), self.index, None):
            yield from self.restored(tile, found)
        self.inner = None

    def first(self, options: Mapping[str, Any]) -> Iterator["Estimate | State"]:
        """Restore the whole made small, where tiles would not agree by themselves."""
        step = grain(self.size, self.side)
        posed = tasks.coarse(self.name)(partial(shrunk, self.size, step, self.seen_in), **options)
        if posed is None or self.guess is not None:
            return
        seconds = self.settings.seconds and self.settings.seconds / (self.count + 1)
        inner = whole(posed[0], self.name, replace(self.settings, seconds=seconds, seeds=1), posed[1])
        self.small = True
        yield from self.pull(inner)
        result, self.small = inner.result(), False
        self.guess, self.spent, self.steps = result.picture.pixels, result.seconds, result.steps

    def seen_in(self, rows: slice, columns: slice) -> Picture:
        """A window of the picture."""
        return self.picture.crop(rows, columns)

    def prepare(self) -> None:
        """Make room for the sum."""
        if self.total is None:
            height, width = (length * self.factor for length in self.size)
            self.total = np.zeros((self.picture.channels, height, width), np.float32)
            self.spread = np.zeros((height, width), np.float32) if self.settings.seeds > 1 else None

    def piece(self, tile: Tile) -> Picture:
        """What of the picture lies in a tile."""
        return self.seen_in(tile.rows, tile.columns)

    def within(self, tile: Tile) -> Settings:
        """The settings of a tile."""
        place, step = Place(tile.rows.start, tile.columns.start, self.size), grain(self.size, self.side)
        return Within(**vars(self.share()), place=place, guess=self.guessed(tile), grain=step)

    def guessed(self, tile: Tile) -> NDArray[np.float32] | None:
        """What of the result of the whole made small lies in a tile."""
        if self.guess is None:
            return None
        return large(self.guess, grain(self.size, self.side), tile.rows, tile.columns)

    def restored(self, tile: Tile, options: Mapping[str, Any]) -> Iterator["Estimate | State"]:
        """Restore one tile, and add it to the sum."""
        told = cut(options, self.size, tile.rows, tile.columns)
        inner = self.opened(self.piece(tile), self.name, self.within(tile), told)
        yield from self.pull(inner)
        result = inner.result()
        self.add(tile, result, None if inner.problem is None else inner.problem.keep)
        self.done(result)

    def add(self, tile: Tile, result: Result, keep: NDArray[np.bool_] | None = None) -> None:
        """Add a tile's picture with its weight; a tile with nothing to restore, as it was."""
        assert self.total is not None
        if keep is not None:
            self.keep = np.zeros(self.size, np.bool_) if self.keep is None else self.keep
            self.keep[tile.rows, tile.columns] = keep
        weight = enlarged(tile.weight, self.factor)
        rows, columns = (
            slice(s.start * self.factor, s.stop * self.factor) for s in (tile.rows, tile.columns)
        )
        self.total[:, rows, columns] += weight * result.picture.pixels
        if result.disagreement is None and not result.unchanged:  # one run was all that there was time for
            self.spread = None
        elif self.spread is not None and result.disagreement is not None:
            self.spread[rows, columns] += weight * result.disagreement

    def ended(self) -> str:
        """Put what was not reached in as it came, and return why the stream ended."""
        if self.index == self.count:
            return f"all {self.count} tiles done"
        self.finish_plainly()
        filled = "" if self.guess is None else "; what is missing there is that of the whole made small"
        return f"cancelled after {self.index} of {self.count} tiles; the rest is as it came{filled}"

    def told(self, picture: Picture, reason: str) -> Result:
        """A picture as the result of all tiles, with what was found in the whole."""
        found = {} if self.known is None else self.known.estimates
        result = super().told(picture, reason)
        return replace(result, estimates={**result.estimates, **found})

    @property
    def known(self) -> Mask | Known | None:
        """Which pixels come back as they came; None where none need."""
        mask = self.found.get("mask")
        return mask if isinstance(mask, Mask | Known) else None

    def result(self) -> Result:
        """The whole picture; where no tile was reached, the picture as it came."""
        if isinstance(self.problem, Nothing) and self.total is None:
            return Result(self.picture, self.problem.said, unchanged=True, estimates=self.problem.estimates)
        reason = self.ended()
        assert self.total is not None
        picture = self.picture.like(self.total, keep=self.keep)
        return replace(self.told(picture, reason), disagreement=self.spread)

    def finish_plainly(self) -> None:
        """Fill what no tile has reached from the picture itself, enlarged by repetition where it must be."""
        if self.total is None:
            raise RunError("stopped before there was any estimate: run it again and wait a little")
        for tile in islice(tiles(self.size, tile=self.side, factor=self.factor), self.index, None):
            piece, guess = self.piece(tile), self.guessed(tile)
            pixels = piece.pixels
            known = cut(self.found, self.size, tile.rows, tile.columns).get("mask")
            if known is not None and guess is not None:
                pixels = np.where(known, pixels, guess)
            keep = None if self.known is None else known
            self.add(tile, Result(piece.like(enlarged(pixels, self.factor)), ""), keep)

    def state_dict(self) -> dict[str, Any]:
        """The tiles that are done."""
        import torch

        arrays = {name: getattr(self, name) for name in ARRAYS}
        tensors = {name: None if array is None else torch.from_numpy(array) for name, array in arrays.items()}
        return super().state_dict() | tensors

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the tile that was under way, from its beginning."""
        super().load_state_dict(state)
        for name in ARRAYS:
            tensor = state.get(name)  # checkpoints of before have no guess
            setattr(self, name, None if tensor is None else tensor.cpu().numpy())


def enlarged(pixels: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """(…, H, W), each pixel repeated ``factor`` times down and across."""
    return pixels if factor == 1 else pixels.repeat(factor, -2).repeat(factor, -1)


def cut(options: Mapping[str, Any], size: tuple[int, int], rows: slice, columns: slice) -> dict[str, Any]:
    """The options for a part of a picture of ``size``: what lies over the picture is cut with it."""
    return {
        name: value[rows, columns] if lies_over(value, size) else value for name, value in options.items()
    }


def lies_over(value: Any, size: tuple[int, int]) -> bool:
    """Whether an option lies over a picture of ``size``."""
    return isinstance(value, np.ndarray | Mask | Known) and value.shape[:2] == size


def restoration(
    picture: Picture,
    task: str,
    settings: Settings | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    ends: Sequence[Reach] | None = None,
) -> Restoration:
    """Open a restoration: whole, or in tiles where the picture is large or ``settings.tile`` says so.

    ``ends`` is how far each of several seeds is to go, where they are repeated.
    """
    settings = tasks.uncut(task, settings or Settings())
    side = side_for(picture.size, told=settings.tile, factor=enlargement(options or {}))
    if side:
        return Tiled(picture, task, settings, options, side=side)
    return whole(picture, task, settings, options, ends=ends)


def restore(
    picture: Picture, task: str, settings: Settings | None = None, options: Mapping[str, Any] | None = None
) -> Result:
    """Pull the whole stream, and return its result."""
    stream = restoration(picture, task, settings, options)
    for _ in stream:
        pass
    return stream.result()
