"""x_t ↦ preview.png: what a fit has so far, for the page; of tiles, each where it belongs."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ipse.engine.problem import Problem
from ipse.pictures import write_bytes
from ipse.pictures.views import SIDE, view
from ipse.runs.run import Run
from ipse.streams.parts import Parts

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.float32]

SHARE = 0.1  # of the time at most goes into previews …
LEAST = 0.3  # … and one comes no sooner than these seconds after the one before


class Previews:
    """A consumer of a run's stream that draws it now and then.

    Args:
        run: the run.
        path: where the preview goes; replaced in one step, so that there is always a whole one.
    """

    def __init__(self, run: Run, path: Path) -> None:
        self.run, self.path = run, path
        self.version = 0  #: counts the previews
        self.next = 0.0  # time of the next
        self.canvas: Pixels | None = None
        self.of: Parts | None = None  # whose tiles lie on it

    def due(self) -> bool:
        """Whether it is time for another."""
        return time.monotonic() >= self.next

    def draw(self, x: "Tensor") -> int:
        """Draw a fitted picture (1, C, H, W), and return the preview's number."""
        began = time.monotonic()
        data = view(self.run.picture, self.whole(self.restored(x)), side=SIDE)
        write_bytes(self.path, data, overwrite=True)
        now = time.monotonic()
        self.next = now + max(LEAST, (now - began) / SHARE)
        self.version += 1
        return self.version

    def restored(self, x: "Tensor") -> Pixels:
        """Return what the fitted tensor means, known samples as they were."""
        problem: Any = self.run.stream.problem
        assert isinstance(problem, Problem)  # there is no event without one
        pixels: Pixels = problem.outputs(x)[0].float().cpu().numpy()
        if problem.keep is not None:
            pixels = np.where(problem.keep, self.stored(), pixels)
        return pixels

    def stored(self) -> Pixels:
        """Return the pixels of what is under way: the picture's, or the tile's."""
        current = self.run.stream.current
        assert current is not None  # there is no event without one
        return current.picture.pixels

    def whole(self, pixels: Pixels) -> Pixels:
        """Return the whole picture, or the plane under way, small: a tile is put onto those before it."""
        stream = self.run.stream.mosaic
        place = None if stream is None else stream.cut.place(stream.index)
        if stream is None or place is None:
            return pixels
        height, width = stream.cut.size
        scale = min(1.0, SIDE / max(height, width))
        if self.canvas is None or self.of is not stream:
            self.of, size = stream, (round(height * scale), round(width * scale))
            seen = stream.picture.pixels
            laid = seen.shape[-2:] == stream.cut.size  # else it is seen through windows
            self.canvas = _resized(seen, *size) if laid else np.full((len(pixels), *size), 0.5, np.float32)
        rows, columns = place
        top, left = round(rows.start * scale), round(columns.start * scale)
        bottom, right = round(rows.stop * scale), round(columns.stop * scale)
        self.canvas[:, top:bottom, left:right] = _resized(pixels, bottom - top, right - left)
        return self.canvas


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return pixels (C, H, W) at another size, by the mean of what each covers."""
    size = (max(1, width), max(1, height))
    planes = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in pixels]
    return np.stack([np.asarray(plane, np.float32) for plane in planes])
