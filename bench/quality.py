"""PSNR and seconds of ipse on the field's test sets, under their usual protocols. The clean
picture is compared to, and nothing else.

    python bench/quality.py --data DIR [--sets set9,set11,set5,classic5,polyu] [--only F16,Lena] [--preset good]

set9      Gaussian noise (σ = --sigma, by default 25) clipped to [0, 1]; PSNR over RGB
set11     half of the pixels missing (Bernoulli); PSNR
set5      bicubic ×--factor (by default 4); PSNR of luma (BT.601, 16–235), --factor pixels cropped at each border
classic5  JPEG quality --quality (by default 10); PSNR of gray
polyu     real camera noise; PSNR over RGB
"""

import argparse
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ipse import pictures, tasks
from ipse.fit import Fit
from ipse.pictures import Picture
from ipse.problem import Problem
from ipse.restoration import Estimate
from ipse.settings import Settings
from ipse.tiled import restoration

Array = NDArray[np.float64]
SEED = 0


@dataclass(frozen=True)
class Case:
    """One damaged picture, what to do with it, and the truth."""

    name: str
    task: str
    picture: Picture
    clean: Array  #: (C, H, W) in [0, 1]
    options: dict[str, object]
    border: int = 0
    luma: bool = False

    def psnr(self, pixels: NDArray[np.floating]) -> float:
        """dB, of a picture stored in 8 bits where the protocol says so."""
        a, b = (luma(p) if self.luma else p for p in (np.asarray(pixels, np.float64), self.clean))
        inside = (..., *(slice(self.border, -self.border or None),) * 2)
        return float(-10 * np.log10(np.mean((a[inside] - b[inside]) ** 2)))


def luma(pixels: Array) -> Array:
    """BT.601 luma of 8-bit RGB, 16–235, over 255."""
    r, g, b = np.round(pixels.clip(0, 1) * 255)
    return (65.481 * r + 128.553 * g + 24.966 * b) / 255**2 + 16 / 255


def load(path: Path, mode: str) -> Array:
    """(C, H, W) in [0, 1]."""
    array = np.asarray(Image.open(path).convert(mode), np.float64) / 255
    return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)


def as_picture(pixels: Array, *, depth: type = np.uint8) -> Picture:
    """A stored picture; float32 keeps the noise as it was drawn."""
    array = np.moveaxis(pixels, 0, -1).squeeze()
    if depth is np.uint8:
        return Picture.from_array(np.round(array * 255).astype(np.uint8))
    return Picture.from_array(array.astype(np.float32))


def cases(args: argparse.Namespace, name: str) -> Iterator[Case]:
    """The cases of one set."""
    folder = args.data / name
    pattern = "*_real.*" if name == "polyu" else "*.[pb][nm][gp]"
    for path in sorted((folder / "hr" if name == "set5" else folder).glob(pattern)):
        if args.only and not any(part in path.stem for part in args.only.split(",")):
            continue
        draw = np.random.default_rng(SEED)
        match name:
            case "set9":
                clean = load(path, "RGB")
                noisy = (clean + draw.normal(0, args.sigma / 255, clean.shape)).clip(0, 1)
                yield Case(path.stem, "denoise", as_picture(noisy, depth=np.float32), clean, {})
            case "set11":
                clean = load(path, "L")
                known = draw.random(clean.shape[1:]) < 0.5
                options: dict[str, object] = {"mask": known, "polarity": "white-is-known"}
                yield Case(path.stem, "inpaint", as_picture(clean * known), clean, options)
            case "set5":
                f = args.factor
                small = pictures.read(folder / "lr" / f"X{f}" / f"{path.stem}x{f}.png")
                clean = load(path, "RGB")[:, : small.size[0] * f, : small.size[1] * f]
                yield Case(path.stem, "upscale", small, clean, {"factor": f}, border=f, luma=True)
            case "classic5":
                file = io.BytesIO()
                Image.open(path).convert("L").save(file, "JPEG", quality=args.quality)
                file.seek(0)
                yield Case(path.stem, "dejpeg", pictures.read(file), load(path, "L"), {})
            case "polyu":
                clean = load(path.with_name(path.name.replace("_real", "_mean")), "RGB")
                yield Case(path.stem[:20], "denoise", pictures.read(path), clean, {})
            case _:
                raise SystemExit(f"set {name!r} is unknown: choose from set9, set11, set5, classic5, polyu")


def run(case: Case, settings: Settings) -> tuple[float, float, float]:
    """(PSNR of the pilot, PSNR of the result, seconds)."""
    start = time.perf_counter()
    stream = restoration(case.picture, case.task, settings, case.options)
    estimate = torch.full((1, *case.clean.shape), torch.nan)
    for event in stream:
        if isinstance(event, Estimate) and stream.problem is not None:
            estimate = stream.problem.outputs(event.picture)[0]  # type: ignore[union-attr]
    result = stream.result()
    seconds = time.perf_counter() - start
    pilot = case.psnr(estimate.cpu().numpy().clip(0, 1))
    return pilot, case.psnr(result.picture.pixels), seconds


def reference(case: Case) -> float:
    """Seconds that the published recipe would take here: its steps times a step of its network, timed now."""
    problem = tasks.find(case.task)(case.picture, Settings(preset="paper"), **case.options)
    assert isinstance(problem, Problem)
    fit = Fit(problem)
    before = fit.advance().seconds
    return (fit.advance().seconds - before) * problem.recipe.steps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default="set9,set11,set5,classic5,polyu")
    parser.add_argument("--only", default="")
    parser.add_argument("--preset", default="good")
    parser.add_argument("--reference", action="store_true", help="compare with the published recipe's time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sigma", type=float, default=25)
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--quality", type=int, default=10)
    args = parser.parse_args()
    print(f"{'set':9}{'picture':22}{'size':>10}{'damaged':>9}{'pilot':>8}{'result':>8}{'seconds':>9}")
    for name in args.sets.split(","):
        rows = []
        for case in cases(args, name):
            same = case.picture.pixels.shape == case.clean.shape
            damaged = case.psnr(case.picture.pixels) if same else float("nan")
            rows.append((damaged, *run(case, Settings(preset=args.preset, seed=args.seed))))
            size = "{1}×{0}".format(*case.clean.shape[1:])
            told = f"  {reference(case) / rows[-1][-1]:.0f}× faster than the recipe" if args.reference else ""
            row = "{:9.2f}{:8.2f}{:8.2f}{:9.1f}".format(*rows[-1])
            print(f"{name:9}{case.name:22}{size:>10}{row}{told}", flush=True)
        print(f"{name:9}{'mean':32}" + "{:9.2f}{:8.2f}{:8.2f}{:9.1f}".format(*np.mean(rows, 0)), flush=True)


if __name__ == "__main__":
    main()
