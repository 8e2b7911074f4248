"""Tiles against the whole: is the error where tiles meet larger than elsewhere, and do neighbours agree?

    python -m bench.seams [--works denoise,dejpeg,upscale,holes,hole] [--picture astronaut] [--side 320] [--tile 128]

A photograph that scikit-image brings along is damaged (noise of σ = 25, JPEG of quality 20, made small by 2, squares of
44 pixels missing where tiles meet, one hole larger than a tile) and restored whole; in tiles, each by itself, as before
they shared a latent and a fill of the whole; and in tiles as they are. Printed, on the scale 0 to 255, are root mean
square errors within four pixels of where a tile begins or ends, and elsewhere (of what was missing, where something
was): the whole tells how much harder the picture is just there; and the root mean square difference of two tiles where
both see a pixel, before they are blended.
"""

import argparse
import io
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.table import markdown
from ipse.pictures import Picture, from_pil, read
from ipse.pictures.tiling import MULTIPLE, OVERLAP, Tile, starts
from ipse.settings import Settings
from ipse.streams.open import open_stream
from ipse.streams.parts import Parts
from ipse.streams.seeds import whole
from ipse.streams.stream import Stream
from ipse.streams.sums import Sum
from ipse.streams.tiles import Tiles

NEAR = 4
SQUARE = 44  # pixels a side of a hole
HEAD = ["work", "", "where tiles meet", "elsewhere", "tiles from one another"]
Array = NDArray[Any]
Flags = NDArray[np.bool_]


class Pieces(Sum):
    """A sum that keeps tiles as they were before they were blended."""

    pieces: tuple[tuple[Tile, Array], ...] = ()

    def put(self, tile: Tile, pixels: Array, keep: Flags | None) -> None:
        self.pieces = (*self.pieces, (tile, pixels * 255))
        super().put(tile, pixels, keep)


class Alone(Tiles):
    """Each tile by itself: latents of its own, and no look at the whole."""

    def first(self, seconds: float | None) -> None:
        del seconds

    def open(self, index: int, seconds: float | None) -> Stream:
        tile = self.tile(index)
        return whole(self.piece(tile), self.task, replace(self.settings, seconds=seconds), self.told(tile))


def holes(size: tuple[int, int], tile: int) -> Flags:
    """Squares around the corners of tiles."""
    missing = np.zeros(size, np.bool_)
    rows, columns = (starts(length, tile, OVERLAP, MULTIPLE)[1:] for length in size)
    for top in rows:
        for left in columns:
            missing[
                top - SQUARE // 4 : top + SQUARE * 3 // 4, left - SQUARE // 4 : left + SQUARE * 3 // 4
            ] = True
    return missing


def damaged(clean: Array, work: str, tile: int) -> tuple[Picture, str, dict[str, Any]]:
    """The picture that is given, the task, and what is told of it."""
    if work == "denoise":
        noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape)
        return Picture.from_array(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)), work, {}
    if work in ("holes", "hole"):
        missing = holes(clean.shape[:2], tile)
        if work == "hole":
            middle = slice(clean.shape[0] // 2 - tile * 3 // 4, clean.shape[0] // 2 + tile * 3 // 4)
            missing = np.zeros(clean.shape[:2], np.bool_)
            missing[middle, middle] = True
        told = {"mask": missing, "polarity": "white-is-hole"}
        return Picture.from_array(np.where(missing[..., None], 0, clean).astype(np.uint8)), "inpaint", told
    image = Image.fromarray(clean)
    if work == "dejpeg":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=20)
        return read(io.BytesIO(file.getvalue())), work, {}
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return from_pil(small), work, {"factor": 2}


def lines(length: int, tile: int, factor: int) -> Flags:
    """Where a tile begins or ends, along a side of the result."""
    begins = starts(length, tile, OVERLAP, MULTIPLE)
    near = np.zeros(length * factor, np.bool_)
    for end in {*begins[1:], *(begin + tile for begin in begins[:-1])}:
        near[max(0, end * factor - NEAR) : end * factor + NEAR] = True
    return near


def disagreement(pieces: Pieces, where: Flags) -> float:
    """Root mean square difference of two tiles in what both see."""
    squares, count, scale = 0.0, 0, pieces.tiling.factor
    for (one, seen), (other, beside) in combinations(pieces.pieces, 2):
        rows, columns = (
            slice(max(a.start, b.start) * scale, min(a.stop, b.stop) * scale)
            for a, b in ((one.rows, other.rows), (one.columns, other.columns))
        )
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        parts = [
            pixels[
                :,
                rows.start - tile.rows.start * scale : rows.stop - tile.rows.start * scale,
                columns.start - tile.columns.start * scale : columns.stop - tile.columns.start * scale,
            ]
            for tile, pixels in ((one, seen), (other, beside))
        ]
        shared = where[rows, columns]
        squares += float(((parts[0] - parts[1]) ** 2).mean(0)[shared].sum())
        count += int(shared.sum())
    return (squares / max(1, count)) ** 0.5


def row(clean: Array, work: str, told: argparse.Namespace, kind: type[Tiles] | None) -> tuple[str, str, str]:
    """Restore in one of three ways, and say how far it is from the clean picture, and tiles from one another."""
    picture, task, options = damaged(clean, work, told.tile)
    settings = replace(Settings(tile=told.tile if kind else 0, seed=told.seed), preset=told.preset)
    pieces: Pieces | None = None
    if kind is None:
        stream = open_stream(picture, task, settings, options)
    else:
        tiling = kind(picture, task, settings, options, side=told.tile)
        pieces = Pieces(tiling)
        stream = Parts(tiling, pieces)
    for _ in stream:
        pass
    near = lines(picture.size[0], told.tile, options.get("factor", 1))
    at, where = near[:, None] | near, np.asarray(options.get("mask", np.ones(clean.shape[:2], np.bool_)))
    squares = ((stream.result().picture.samples.astype(float) - clean) ** 2).mean(2)
    errors = [f"{squares[part & where].mean() ** 0.5:.2f}" for part in (at, ~at)]
    apart = "–" if pieces is None else f"{disagreement(pieces, where):.2f}"
    return errors[0], errors[1], apart


def main() -> None:
    known = argparse.ArgumentParser(description="Tiles against the whole.")
    known.add_argument("--works", default="denoise,dejpeg,upscale,holes,hole")
    known.add_argument("--picture", default="astronaut", choices=["astronaut", "coffee", "chelsea", "rocket"])
    known.add_argument("--side", type=int, default=320)
    known.add_argument("--tile", type=int, default=128)
    known.add_argument("--preset", default="fast")
    known.add_argument("--seed", type=int, default=0)
    told = known.parse_args()
    from skimage import data

    clean: Array = np.asarray(getattr(data, told.picture)())[: told.side, : told.side]
    rows: list[list[str]] = []
    for work in told.works.split(","):
        for name, kind in (("whole", None), ("tiles, each by itself", Alone), ("tiles", Tiles)):
            if work == "hole" and kind is Alone:  # a tile that knows no pixel has nothing to be filled from
                continue
            rows.append([work, name, *row(clean, work, told, kind)])
            print(rows[-1], flush=True)
    print(markdown(HEAD, rows))


if __name__ == "__main__":
    main()
