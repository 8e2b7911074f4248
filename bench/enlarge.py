"""Small and damaged pictures: ``enhance --factor 2`` against enlarging only, and interpolating what is restored.

python -m bench.enlarge PICTURES… [--crop 256] [--preset fast]

The middle of each picture is downsampled by two, then damaged. PSNR in dB of the enlargement.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

import ipse
from bench.measures import middle, psnr, saved
from ipse.engine.operators import Downsample
from ipse.pictures import Picture, read
from ipse.settings import Preset

Values = NDArray[np.floating]
FACTOR = 2


def noisy(x: Values, sigma: float) -> NDArray[np.uint8]:
    """White noise, on (H, W, 3) in [0, 1]."""
    y = 255 * x + np.random.default_rng(0).normal(0, sigma, x.shape)
    return np.clip(np.rint(y), 0, 255).astype(np.uint8)


DAMAGE: dict[str, Callable[[Values], Picture]] = {
    "σ = 10": lambda x: Picture.from_array(noisy(x, 10)),
    "quality 60": lambda x: read(saved(noisy(x, 0), 60)),
    "σ = 10, quality 75": lambda x: read(saved(noisy(x, 10), 75)),
}


def pixels(result: ipse.Result) -> Values:
    """(H, W, 3) in [0, 1]."""
    return np.moveaxis(result.picture.pixels, 0, -1)


def resized(x: Values, by: Callable[[torch.Tensor], torch.Tensor]) -> Values:
    """(H, W, 3) through a function of (1, 3, H, W)."""
    return np.moveaxis(by(torch.as_tensor(np.moveaxis(x, -1, 0))[None].float())[0].clamp(0, 1).numpy(), 0, -1)


def row(path: Path, damage: Callable[[Values], Picture], *, crop: int, preset: Preset) -> list[float]:
    """PSNR enlarged only, restored and interpolated, and both at once."""
    clean = middle(path, crop) / 255
    y = damage(resized(clean, Downsample(FACTOR)))
    restored = pixels(ipse.enhance(y, preset=preset))
    found = (
        pixels(ipse.upscale(y, factor=FACTOR, preset=preset)),
        resized(restored, lambda x: interpolate(x, scale_factor=FACTOR, mode="bicubic")),
        pixels(ipse.enhance(y, factor=FACTOR, preset=preset)),
    )
    return [psnr(one, clean) for one in found]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a line a kind of damage."""
    parser = argparse.ArgumentParser(prog="python -m bench.enlarge", description="Small, damaged pictures.")
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--preset", default="fast")
    chosen = parser.parse_args(arguments)
    print(f"{'damage':20}{'upscale':>10}{'enhance, bicubic':>18}{'enhance --factor':>18}")
    for name, damage in DAMAGE.items():
        rows = [row(path, damage, crop=chosen.crop, preset=chosen.preset) for path in chosen.pictures]
        only, apart, both = np.mean(rows, axis=0)
        print(f"{name:20}{only:10.2f}{apart:18.2f}{both:18.2f}", flush=True)


if __name__ == "__main__":
    main()
