"""A picture of 10,000 × 10,000 pixels under a limit of memory: does it finish, in what, and are there seams?

    python -m bench.giant --folder DIR [--side 10000] [--gib 4] [--preset fast]

The picture is made of photographs that scikit-image brings along, mirrored over and over, with noise of σ = 25 from a
fixed seed, and written as BigTIFF by windows. The run is a process of its own under ``ulimit -v``, which counts
all that is mapped, used or not. Errors near the tiles' ends, against the clean picture, are set beside those elsewhere.
CPU seconds are compared, not those of the clock, which other work on the machine stretches; of the small
picture, those of one of 64² are taken off, which is what starting takes.
"""

import argparse
import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ipse.pictures.tiling import MULTIPLE, OVERLAP, SIDE, starts

SIGMA = 25.0
BAND = 512
SMALL = (64, 512)
NEAR = 2  # pixels on both sides of where a tile ends

Array = NDArray[Any]


@dataclass(frozen=True)
class Run:
    """What a process took."""

    code: int
    cpu: float  #: seconds
    peak: float  #: resident MiB


@dataclass(frozen=True)
class Seams:
    """Root mean square errors, on the scale 0 to 255."""

    ends: float  #: within two pixels of where a tile begins or ends
    overlaps: float  #: where tiles overlap
    elsewhere: float
    steps_at_ends: float  #: of the error, from one pixel to the next, across the line where a tile ends
    steps_elsewhere: float


def sheet() -> Array:
    """Four photographs, 800 × 1100."""
    from skimage import data

    astronaut, coffee, rocket = (np.asarray(one()) for one in (data.astronaut, data.coffee, data.rocket))
    top = np.concatenate([astronaut[:400, :500], coffee], 1)
    return np.concatenate([top, np.concatenate([rocket[:400, :600], astronaut[112:, :500]], 1)], 0)


def mirrored(length: int, period: int) -> NDArray[np.int64]:
    """Places along a side, there and back again."""
    place = np.arange(length) % (2 * period)
    return np.minimum(place, 2 * period - 1 - place)


def clean(rows: slice, side: int, photos: Array) -> Array:
    """Rows of the clean picture."""
    down, across = mirrored(side, photos.shape[0])[rows], mirrored(side, photos.shape[1])
    return photos[down][:, across]


def noisy(rows: slice, side: int, photos: Array) -> Array:
    """The same with noise, which hangs on the first row only."""
    x = clean(rows, side, photos)
    noise = np.random.default_rng(rows.start).normal(0, SIGMA, x.shape)
    return np.clip(np.rint(x + noise), 0, 255).astype(np.uint8)


def tiles(side: int, photos: Array) -> Iterator[Array]:
    for top in range(0, side, BAND):
        band = noisy(slice(top, min(side, top + BAND)), side, photos)
        for left in range(0, side, BAND):
            piece = np.zeros((BAND, BAND, 3), np.uint8)
            found = band[:, left : left + BAND]
            piece[: found.shape[0], : found.shape[1]] = found
            yield piece


def write(path: Path, side: int, photos: Array) -> None:
    shape = (side, side, 3)
    tifffile.imwrite(
        path,
        tiles(side, photos),
        shape=shape,
        dtype=np.uint8,
        bigtiff=True,
        tile=(BAND, BAND),
        photometric="rgb",
        compression="zlib",
        maxworkers=1,
    )


def run(command: list[str], *, gib: float | None, cwd: Path) -> Run:
    """Run ipse as a process, under a limit of its address space."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.chdir(cwd)
        if gib:
            resource.setrlimit(resource.RLIMIT_AS, (round(gib * 2**30), round(gib * 2**30)))
        os.execv(sys.executable, [sys.executable, "-m", "ipse", *command])
    _, status, used = os.wait4(child, 0)
    return Run(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def seams(path: Path, side: int, photos: Array) -> Seams:
    """Compare the result with the clean picture, band by band."""
    begins = starts(side, SIDE, OVERLAP, MULTIPLE)
    ends = sorted({*begins[1:], *(begin + SIDE for begin in begins[:-1])})
    line, overlap = np.zeros(side, np.bool_), np.zeros(side, np.bool_)
    for end in ends:
        line[max(0, end - NEAR) : end + NEAR] = True
    for one, other in zip(begins[1:], begins[:-1], strict=True):
        overlap[one : other + SIDE] = True
    sums, counts, steps = np.zeros(3), np.zeros(3), [np.zeros(2), np.zeros(2)]
    across = np.isin(np.arange(1, side), ends)
    with tifffile.TiffFile(path) as tif:
        found = iter_rows(tif, side)
        for rows, result in found:
            error = result.astype(np.float32) - clean(rows, side, photos)
            squares = (error**2).mean(2)
            near = line[rows][:, None] | line
            shared = (overlap[rows][:, None] | overlap) & ~near
            for k, where in enumerate((near, shared, ~near & ~shared)):
                sums[k] += squares[where].sum(dtype=np.float64)
                counts[k] += where.sum()
            jumps = (np.diff(error, axis=1) ** 2).mean(2)
            for k, where in enumerate((across, ~across)):
                steps[k] += (jumps[:, where].sum(dtype=np.float64), jumps[:, where].size)
    rms = np.sqrt(sums / counts)
    return Seams(*rms.tolist(), *(float(np.sqrt(total / count)) for total, count in steps))


def iter_rows(tif: tifffile.TiffFile, side: int) -> Iterator[tuple[slice, Array]]:
    """The bands of a tiled file, one row of tiles each."""
    page: Any = tif.pages[0]
    band, top = np.zeros((page.tilelength, side, 3), np.uint8), 0
    for data, place, shape in page.segments(maxworkers=1):
        top, left = place[2], place[3]
        height, width = min(shape[1], side - top), min(shape[2], side - left)
        band[:height, left : left + width] = data[0, :height, :width]
        if left + shape[2] >= side:
            yield slice(top, top + height), band[:height]


def main() -> None:
    known = argparse.ArgumentParser(description="A giant picture under a limit of memory.")
    known.add_argument("--folder", type=Path, required=True)
    known.add_argument("--side", type=int, default=10_000)
    known.add_argument("--gib", type=float, default=4.0)
    known.add_argument("--preset", default="fast")
    told = known.parse_args()
    folder, photos = told.folder, sheet()
    folder.mkdir(parents=True, exist_ok=True)
    for side in (*SMALL, told.side):
        write(folder / f"{side}.tif", side, photos)
    spent: dict[int, list[Run]] = {}
    for side in (*SMALL, told.side, *SMALL):
        options = ["--preset", told.preset, "--overwrite", "--quiet"]
        said = run(["denoise", f"{side}.tif", "-o", f"{side}_out.tif", *options], gib=told.gib, cwd=folder)
        spent.setdefault(side, []).append(said)
        print(side, json.dumps(asdict(said)), flush=True)
        if said.code:
            sys.exit(1)
    start, small = (np.mean([one.cpu for one in spent[side]]) for side in SMALL)
    each, large = (small - start) / SMALL[1] ** 2, (spent[told.side][0].cpu - start) / told.side**2
    print(f"CPU seconds a megapixel: {1e6 * large:.1f}, of 512²: {1e6 * each:.1f}; ratio {large / each:.2f}")
    print(json.dumps(asdict(seams(folder / f"{told.side}_out.tif", told.side, photos))))


if __name__ == "__main__":
    main()
