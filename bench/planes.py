"""Planes of a stack: is the noise better estimated once or plane by plane, and do neighbours help one another?

    python -m bench.planes [--frames 10] [--side 128] [--preset fast]

Stacks are crops of a photograph that scikit-image brings along, each shifted by 0, 1 or 4 pixels from the one before,
with noise of σ = 25 (in one stack from 10 to 40) from a fixed seed. PSNR in dB, mean of the planes; nothing is told.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch

from bench.stack import Floats, frames
from bench.table import markdown
from ipse.giant import run_of
from ipse.job import Job
from ipse.noise import white
from ipse.settings import Settings

SIGMA = 25.0


def noisy(clean: Floats, sigmas: Floats) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    noise = np.random.default_rng(0).normal(0, 1, clean.shape) * sigmas[:, None, None]
    return np.clip(np.rint(255 * clean + noise), 0, 255).astype(np.uint8)


def psnr(clean: Floats, found: "np.ndarray[Any, Any]") -> float:
    errors = ((found / 255 - clean) ** 2).mean((1, 2))
    return float((-10 * np.log10(errors)).mean())


def stacked(path: Path, changes: Mapping[str, Any], preset: str) -> "np.ndarray[Any, Any]":
    """Restore a stack by the command's own way."""
    target = path.with_name("out.tif")
    settings = Settings(preset=preset)  # pyright: ignore[reportArgumentType]
    run = run_of(replace(Job("denoise", path, target, settings=settings, overwrite=True), **changes))
    for _ in run:
        pass
    run.finish()
    return tifffile.imread(target)


def once(planes: "np.ndarray[Any, Any]") -> dict[str, float]:
    """The noise level of all planes, from four of them, one below the other."""
    chosen = planes[np.linspace(0, len(planes) - 1, 4).round().astype(int)]
    rows = torch.from_numpy(chosen.reshape(-1, planes.shape[2])).float() / 255
    return {"sigma": 255 * white(rows[None, None])}


def main() -> None:
    known = argparse.ArgumentParser(description="Planes of a stack, apart and together.")
    known.add_argument("--frames", type=int, default=10)
    known.add_argument("--side", type=int, default=128)
    known.add_argument("--preset", default="fast")
    told = known.parse_args()
    rows: list[list[str]] = []
    even, rising = np.full(told.frames, SIGMA), np.linspace(10, 40, told.frames)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.tif"
        for shift, sigmas in ((0, even), (1, even), (4, even), (1, rising)):
            clean = frames(told.frames, told.side, shift)
            planes = noisy(clean, sigmas)
            tifffile.imwrite(path, planes, photometric="minisblack", metadata={"axes": "TYX"})
            found = (
                planes,
                stacked(path, {}, told.preset),
                stacked(path, {"options": once(planes)}, told.preset),
                stacked(path, {"joint": "T"}, told.preset),
            )
            level = f"{sigmas[0]:g}" if sigmas[0] == sigmas[-1] else f"{sigmas[0]:g} to {sigmas[-1]:g}"
            rows.append([f"{shift}", level, *(f"{psnr(clean, one):.2f}" for one in found)])
            print(rows[-1], flush=True)
    head = ["shift a frame", "σ", "noisy", "noise of each plane", "noise once", "neighbours joint"]
    print(markdown(head, rows))


if __name__ == "__main__":
    main()
