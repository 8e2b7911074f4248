"""x_t ↦ preview.png: the current state of a fit for the page; tiles are shown at their positions."""

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

SHARE = 0.1  # maximum fraction of the time spent on previews
LEAST = 0.3  # minimum seconds between two previews


class Previews:
    """Writes previews of a run at intervals.

    Args:
        run: the run.
        path: the preview's file, which is replaced atomically.
    """

    def __init__(self, run: Run, path: Path) -> None:
        self.run, self.path = run, path
        self.version = 0  #: number of previews so far
        self.next = 0.0  # time of the next preview
        self.canvas: Pixels | None = None
        self.of: Parts | None = None  # the stream whose tiles are shown

    def due(self) -> bool:
        """Whether the next preview is due."""
        return time.monotonic() >= self.next

    def draw(self, x: "Tensor") -> int:
        """Write a preview of a fitted picture (1, C, H, W), and return its number."""
        began = time.monotonic()
        data = view(self.run.picture, self.whole(self.restored(x)), side=SIDE)
        write_bytes(self.path, data, overwrite=True)
        now = time.monotonic()
        self.next = now + max(LEAST, (now - began) / SHARE)
        self.version += 1
        return self.version

    def restored(self, x: "Tensor") -> Pixels:
        """Return the pixels of a fitted tensor, with known samples unchanged."""
        problem: Any = self.run.stream.problem
        assert isinstance(problem, Problem)  # there is no event without one
        pixels: Pixels = problem.outputs(x)[0].float().cpu().numpy()
        if problem.keep is not None:
            pixels = np.where(problem.keep, self.stored(), pixels)
        return pixels

    def stored(self) -> Pixels:
        """Return the pixels of the current picture or tile."""
        current = self.run.stream.current
        assert current is not None  # there is no event without one
        return current.picture.pixels

    def whole(self, pixels: Pixels) -> Pixels:
        """Return the whole picture or the current plane, downsampled; a tile is added to the previous ones."""
        stream = self.run.stream.mosaic
        place = None if stream is None else stream.cut.place(stream.index)
        if stream is None or place is None:
            return pixels
        height, width = stream.cut.size
        scale = min(1.0, SIDE / max(height, width))
        if self.canvas is None or self.of is not stream:
            self.of, size = stream, (round(height * scale), round(width * scale))
            seen = stream.picture.pixels
            laid = seen.shape[-2:] == stream.cut.size  # otherwise it is read window by window
            self.canvas = _resized(seen, *size) if laid else np.full((len(pixels), *size), 0.5, np.float32)
        rows, columns = place
        top, left = round(rows.start * scale), round(columns.start * scale)
        bottom, right = round(rows.stop * scale), round(columns.stop * scale)
        self.canvas[:, top:bottom, left:right] = _resized(pixels, bottom - top, right - left)
        return self.canvas


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return pixels (C, H, W) at another size, by averaging."""
    size = (max(1, width), max(1, height))
    planes = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in pixels]
    return np.stack([np.asarray(plane, np.float32) for plane in planes])
