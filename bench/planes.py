"""Planes of a stack: is the noise better estimated once or plane by plane, and do planes help one another?

    python -m bench.planes [--task denoise] [--factor 2] [--frames 10] [--side 128] [--preset fast] [--shifts 0,1,4]
    python -m bench.planes --hard

Stacks are crops of a photograph that scikit-image brings along, each shifted by 0, 1 or 4 pixels from the one before.
To denoise, they have noise of σ = 25 (in one stack from 10 to 40) from a fixed seed; to upscale, they are made small by
bicubic averaging, and sides and shifts are those of the result. PSNR in dB, mean of the planes; nothing is told. Beside
it, the seconds of one thread's own time that a stack took. The hard stacks are those that a common displacement does
not explain.
"""

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch

from bench.stack import Floats, frames
from bench.table import markdown
from ipse.noise import white
from ipse.runs.job import Job
from ipse.runs.open import open_run
from ipse.settings import Settings

SIGMA = 25.0
Planes = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Found:
    """What became of a stack, and the seconds that it took."""

    planes: Planes
    seconds: float


def turning(photo: Floats, count: int, side: int) -> Floats:
    """The photograph seen by a camera that turns by a degree and nears by a hundredth a frame."""
    one = torch.from_numpy(photo[100:300, 150:350])[None, None]
    found: list[Floats] = []
    for k in range(count):
        turn, scale = 0.02 * k, 1 / (1 + 0.01 * k)
        place = torch.tensor([[[scale, turn, 0.0], [-turn, scale, 0.0]]], dtype=torch.float64)
        grid = torch.nn.functional.affine_grid(place, [1, 1, 200, 200], align_corners=False)
        seen = torch.nn.functional.grid_sample(one, grid, mode="bicubic", align_corners=False)
        first = 100 - side // 2
        found.append(seen[0, 0, first : first + side, first : first + side].numpy())
    return np.clip(np.stack(found), 0, 1)


def hard(count: int, side: int) -> dict[str, Floats]:
    """Stacks (count, side, side) in which not all moves alike, or nothing is alike."""
    from skimage import data

    photos = [
        np.asarray(one, np.float64) / 255 for one in (data.camera(), data.coins(), data.page(), data.moon())
    ]
    walking = frames(count, side, 0).copy()
    for k, plane in enumerate(walking):
        plane[30 + 3 * k :, 20 + 6 * k :][:32, :32] = photos[0][200:232, 300:332]
    return {
        "an object of 32² moves by 3 and 6 pixels": walking,
        "the camera turns by 1° and nears by 1 %": turning(photos[0], count, side),
        "24 pixels a frame": frames(count, side, 24),
        "unrelated pictures": np.stack([one[40 : 40 + side, 100 : 100 + side] for one in photos]),
    }


def noisy(clean: Floats, sigmas: Floats) -> Planes:
    noise = np.random.default_rng(0).normal(0, 1, clean.shape) * sigmas[:, None, None]
    return np.clip(np.rint(255 * clean + noise), 0, 255).astype(np.uint8)


def small(clean: Floats, factor: int) -> Planes:
    one = torch.from_numpy(clean)[None]
    less = torch.nn.functional.interpolate(one, scale_factor=1 / factor, mode="bicubic", antialias=True)
    return np.clip(np.rint(255 * less[0].numpy()), 0, 255).astype(np.uint8)


def psnr(clean: Floats, found: Planes) -> float:
    errors = ((found / 255 - clean) ** 2).mean((1, 2))
    return float((-10 * np.log10(errors)).mean())


def stacked(path: Path, task: str, changes: Mapping[str, Any], settings: Settings) -> Found:
    """Restore a stack by the command's own way."""
    target, start = path.with_name("out.tif"), time.process_time()
    run = open_run(replace(Job(task, path, target, settings=settings, overwrite=True), **changes))
    for _ in run:
        pass
    run.finish()
    return Found(tifffile.imread(target), time.process_time() - start)


def once(planes: Planes) -> dict[str, float]:
    """The noise level of all planes, from four of them, one below the other."""
    chosen = planes[np.linspace(0, len(planes) - 1, 4).round().astype(int)]
    rows = torch.from_numpy(chosen.reshape(-1, planes.shape[2])).float() / 255
    return {"sigma": 255 * white(rows[None, None])}


def ways(task: str, planes: Planes, factor: int, preset: Any) -> dict[str, tuple[dict[str, Any], Settings]]:
    """What is tried on a stack: what the job is told, and its settings."""
    plain = Settings(preset=preset)
    told: dict[str, Any] = {"options": {"factor": factor} if task == "upscale" else {}}
    apart = {"planes apart": (told, plain)}
    if task == "denoise":
        apart["noise once"] = (told | {"options": once(planes)}, plain)
    joint = told | {"joint": "T"}
    return apart | {"joint": (joint, plain), "joint, fast3d": (joint, replace(plain, network="fast3d"))}


def main() -> None:
    known = argparse.ArgumentParser(description="Planes of a stack, apart and together.")
    known.add_argument("--task", choices=["denoise", "upscale"], default="denoise")
    known.add_argument("--factor", type=int, default=2)
    known.add_argument("--frames", type=int, default=10)
    known.add_argument("--side", type=int, default=128)
    known.add_argument("--preset", default="fast")
    known.add_argument("--shifts", default="0,1,4")
    known.add_argument("--hard", action="store_true")
    told = known.parse_args()
    torch.set_num_threads(1)
    even, rising = np.full(told.frames, SIGMA), np.linspace(10, 40, told.frames)
    moved = {shift: frames(told.frames, told.side, int(shift)) for shift in told.shifts.split(",")}
    stacks = [(name, clean, even) for name, clean in (hard(8, told.side) if told.hard else moved).items()]
    if told.task == "denoise" and not told.hard:
        stacks.append(("1", frames(told.frames, told.side, 1), rising))
    head, rows = list[str](), list[list[str]]()
    for name, clean, sigmas in stacks:
        row = measured(name, clean, sigmas[: len(clean)], told)
        head, rows = list(row), [*rows, list(row.values())]
        print(rows[-1], flush=True)
    print(markdown(head, rows))


def measured(name: str, clean: Floats, sigmas: Floats, told: argparse.Namespace) -> dict[str, str]:
    """A row of the table."""
    planes = noisy(clean, sigmas) if told.task == "denoise" else small(clean, told.factor)
    row = {"stack" if told.hard else "shift a frame": name}
    if told.task == "denoise":
        row["σ"] = f"{sigmas[0]:g}" if sigmas[0] == sigmas[-1] else f"{sigmas[0]:g} to {sigmas[-1]:g}"
        row["noisy"] = f"{psnr(clean, planes):.2f}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.tif"
        tifffile.imwrite(path, planes, photometric="minisblack", metadata={"axes": "TYX"})
        for way, (changes, settings) in ways(told.task, planes, told.factor, told.preset).items():
            found = stacked(path, told.task, changes, settings)
            row[way] = f"{psnr(clean, found.planes):.2f} ({found.seconds:.1f} s)"
    return row


if __name__ == "__main__":
    main()
