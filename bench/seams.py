"""Tiles against the whole: is the error where tiles meet larger than elsewhere?

    python -m bench.seams [--tasks denoise,dejpeg,upscale] [--side 320] [--tile 128] [--preset fast]

A photograph that scikit-image brings along is damaged (noise of σ = 25, JPEG of quality 20, made small by 2), restored
whole and in tiles. Printed are root mean square errors, on the scale 0 to 255, within four pixels of where a tile
begins or ends, and elsewhere: the whole tells how much harder the picture is just there.
"""

import argparse
import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.table import markdown
from ipse.pictures import Picture, read
from ipse.settings import Settings
from ipse.tiled import restore
from ipse.tiles import MULTIPLE, OVERLAP, starts

NEAR = 4
Array = NDArray[Any]


def damaged(clean: Array, task: str) -> tuple[Picture, dict[str, Any]]:
    """The picture that is given, and what is told of it."""
    if task == "denoise":
        noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape)
        return Picture.from_array(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)), {}
    image = Image.fromarray(clean)
    if task == "dejpeg":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=20)
        return read(io.BytesIO(file.getvalue())), {}
    small = image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC)
    return Picture.from_pil(small), {"factor": 2}


def lines(length: int, tile: int, factor: int) -> NDArray[np.bool_]:
    """Where a tile begins or ends, along a side of the result."""
    begins = starts(length, tile, OVERLAP, MULTIPLE)
    near = np.zeros(length * factor, np.bool_)
    for end in {*begins[1:], *(begin + tile for begin in begins[:-1])}:
        near[max(0, end * factor - NEAR) : end * factor + NEAR] = True
    return near


def main() -> None:
    known = argparse.ArgumentParser(description="Tiles against the whole.")
    known.add_argument("--tasks", default="denoise,dejpeg,upscale")
    known.add_argument("--side", type=int, default=320)
    known.add_argument("--tile", type=int, default=128)
    known.add_argument("--preset", default="fast")
    told = known.parse_args()
    from skimage import data

    clean: Array = np.asarray(data.astronaut())[: told.side, : told.side]
    rows: list[list[str]] = []
    for task in told.tasks.split(","):
        picture, options = damaged(clean, task)
        near = lines(picture.size[0], told.tile, options.get("factor", 1))
        at = near[:, None] | near
        row = [task]
        for tile in (0, told.tile):
            settings = replace(Settings(tile=tile), preset=told.preset)
            found = restore(picture, task, settings, options).picture.samples.astype(float)
            squares = ((found - clean) ** 2).mean(2)
            row += [f"{squares[where].mean() ** 0.5:.3f}" for where in (at, ~at)]
        rows.append(row)
        print(row, flush=True)
    head = [
        "task",
        "whole, where tiles meet",
        "whole, elsewhere",
        "tiles, where they meet",
        "tiles, elsewhere",
    ]
    print(markdown(head, rows))


if __name__ == "__main__":
    main()
