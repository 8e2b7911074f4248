"""A scan of 10,000 × 10,000 pixels with dust, scratches and their mask, filled under a limit of memory.

    python -m bench.dust --folder DIR [--side 10000] [--dusty 10000] [--specks 2000] [--gib 4]

The scan is that of ``bench.giant`` without noise. Specks and scratches are drawn from a fixed seed, in a square of
``--dusty`` pixels in its middle; they are white, as dust on a negative is. The mask is a PNG of one channel. The run
is a process of its own under ``ulimit -v``. What is known must come back to the bit. Then a picture of 1500² with dust
in a few tiles is filled through windows and in memory: both must be the same.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from bench.giant import BAND, clean, run, sheet
from ipse.runs import open as open_module
from ipse.runs.inputs import WholeFile
from ipse.runs.job import Job
from ipse.runs.large import LargeFile
from ipse.runs.open import open_run, run_from
from ipse.settings import Settings

SCRATCHES = 3
PART = 1500

Flags = NDArray[np.bool_]


def dust(side: int, specks: int, dusty: int) -> Flags:
    """Specks of 2 to 7 pixels across, and scratches from top to bottom, 2 pixels wide, in a square of ``dusty``²."""
    draw, missing = np.random.default_rng(0), np.zeros((dusty, dusty), np.bool_)
    places = zip(*draw.integers(0, dusty, (2, specks)), draw.integers(2, 8, specks), strict=True)
    for row, column, size in places:
        missing[row : row + size, column : column + size] = True
    rows = np.arange(dusty)
    lines = zip(draw.integers(0, dusty, SCRATCHES), draw.normal(0, 0.1, SCRATCHES), strict=True)
    for start, slope in lines:
        for wide in (0, 1):
            missing[rows, np.clip(start + slope * rows + wide, 0, dusty - 1).astype(np.int64)] = True
    before = (side - dusty) // 2
    return np.pad(missing, (before, side - dusty - before))


def write(folder: Path, name: str, side: int, missing: Flags) -> None:
    """Write a scan and its mask."""
    photos, scan = sheet(), np.empty((side, side, 3), np.uint8)
    for top in range(0, side, BAND):
        rows = slice(top, min(side, top + BAND))
        scan[rows] = np.where(missing[rows, :, None], np.uint8(255), clean(rows, side, photos))
    tifffile.imwrite(folder / f"{name}.tif", scan, tile=(BAND, BAND), photometric="rgb", compression="zlib")
    Image.fromarray(np.uint8(255) * missing).save(folder / f"{name}_mask.png")


def same(folder: Path, preset: str) -> tuple[bool, float]:
    """Whether windows and memory give the same of a part; and the error of what was missing, of 255."""
    missing = dust(PART, 60, PART // 5)
    write(folder, "part", PART, missing)
    told = {"mask": folder / "part_mask.png"}
    settings = Settings(preset=preset, tile=512)  # type: ignore[arg-type]
    job = Job("inpaint", folder / "part.tif", folder / "part_out.tif", settings, told, overwrite=True)
    open_module.LARGE = open_module.GIANT = 1
    runs = [open_run(job), run_from(WholeFile(job))]
    assert isinstance(runs[0].input, LargeFile)
    hashes: list[str] = []
    for one in runs:
        for _ in one:
            pass
        hashes.append(one.finish().pixels_sha256)
    found = tifffile.imread(folder / "part_out.tif").astype(np.float64)
    error = (found - clean(slice(0, PART), PART, sheet()))[missing]
    return hashes[0] == hashes[1], float(np.sqrt(np.mean(error**2)))


def kept(folder: Path, missing: Flags) -> bool:
    """Whether what is known came back to the bit."""
    before, after = (tifffile.imread(folder / name) for name in ("scan.tif", "scan_out.tif"))
    return all(
        np.array_equal(one[~here], other[~here])
        for one, other, here in zip(before, after, missing, strict=True)
    )


def main() -> None:
    known = argparse.ArgumentParser(description="A giant scan with dust under a limit of memory.")
    known.add_argument("--folder", type=Path, required=True)
    known.add_argument("--side", type=int, default=10_000)
    known.add_argument("--dusty", type=int, default=10_000)
    known.add_argument("--specks", type=int, default=2000)
    known.add_argument("--gib", type=float, default=4.0)
    known.add_argument("--preset", default="fast")
    told = known.parse_args()
    folder, side = told.folder, told.side
    folder.mkdir(parents=True, exist_ok=True)
    missing = dust(side, told.specks, min(side, told.dusty))
    write(folder, "scan", side, missing)
    command = [
        "inpaint",
        "scan.tif",
        "--mask",
        "scan_mask.png",
        "-o",
        "scan_out.tif",
        "--overwrite",
        "--quiet",
    ]
    said = run([*command, "--preset", told.preset], gib=told.gib, cwd=folder)
    print(side, json.dumps(asdict(said)), flush=True)
    if said.code:
        sys.exit(1)
    print(f"CPU seconds a megapixel: {1e6 * said.cpu / side**2:.2f}; missing: {missing.mean():.2%}")
    print(f"known pixels to the bit: {kept(folder, missing)}", flush=True)
    agrees, error = same(folder, told.preset)
    print(f"{PART}² through windows as in memory: {agrees}; error of what was missing: {error:.2f} of 255")


if __name__ == "__main__":
    main()
