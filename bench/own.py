"""``reconstruct --operator``: a Bayer mosaic and gaps in traces, against interpolation.

python -m bench.own [--pictures chelsea,coffee] [--side 192] [--noise 0,5] [--traces 5] [--presets fast,good]

A picture is seen through filters of red, green, green and blue; PSNR is that of all three colours. ``noise`` is σ in
units of 1/255. A trace is a sum of four sines and a pulse train, 1200 samples, σ = 1 and a range of about 100, with 12
gaps of 4 to 20 samples; its error is the root mean square within the gaps, and beside them.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import convolve
from skimage import data
from skimage.transform import resize
from torch import Tensor

import ipse
from bench import measures

Array = NDArray[Any]
SAMPLES, GAPS = 1200, 12
NEAR = np.outer([1, 2, 1], [1, 2, 1]) / 4  # bilinear interpolation


class Mosaic:
    """x (B, 3, H, W) → y (B, 1, H, W), with its own adjoint."""

    def A(self, x: Tensor) -> Tensor:
        """What the sensor sees."""
        return (x * filters(x)).sum(1, keepdim=True)

    def A_adjoint(self, y: Tensor) -> Tensor:
        """Each sample in its own colour."""
        return y * filters(y)


def filters(like: Tensor) -> Tensor:
    """Which colour is seen where, (3, H, W)."""
    down, across = torch.meshgrid(*(torch.arange(side) % 2 for side in like.shape[-2:]), indexing="ij")
    return torch.stack([(down == 0) & (across == 0), down != across, (down == 1) & (across == 1)]).to(like)


def bilinear(y: Array) -> Array:
    """The mean of the nearest samples of a colour (3, H, W)."""
    shares = filters(torch.from_numpy(y)[None]).numpy()
    return np.stack([convolve(y * one, NEAR) / convolve(one, NEAR) for one in shares])


def mosaic(name: str, side: int, noise: float, presets: list[str]) -> None:
    """Measure one picture, and print the figures."""
    whole: Array = getattr(data, name)() / 255
    x = np.moveaxis(np.asarray(resize(whole, (side, side), anti_aliasing=True)), -1, 0)
    y = Mosaic().A(torch.from_numpy(x)[None])[0, 0].numpy()
    y = y + noise / 255 * np.random.default_rng(0).normal(size=y.shape)
    line = f"{name}, noise {noise:g}: bilinear {measures.psnr(bilinear(y).clip(0, 1), x):.2f}"
    for preset in presets:
        start = time.process_time()
        found = ipse.reconstruct(y, operator=Mosaic(), preset=preset)
        shown = np.moveaxis(found.image, -1, 0).clip(0, 1)
        line += f"  {preset} {measures.psnr(shown, x):.2f} ({time.process_time() - start:.0f} s)"
    print(line, flush=True)


def trace(seed: int, presets: list[str]) -> None:
    """Measure one trace, and print the figures."""
    draw, t = np.random.default_rng(seed), np.arange(SAMPLES) / SAMPLES
    x = 20 * np.exp(-(((t * draw.integers(6, 14)) % 1 - 0.5) ** 2) / 0.002)
    for _ in range(4):
        x += draw.uniform(5, 30) * np.sin(2 * np.pi * (draw.uniform(2, 40) * t + draw.random()))
    y, gap, place = x + draw.normal(size=SAMPLES), np.zeros(SAMPLES, bool), np.arange(SAMPLES)
    for start in draw.integers(20, SAMPLES - 40, GAPS):
        gap[start : start + draw.integers(4, 21)] = True

    def error(found: Array) -> str:
        return "{:.2f}, {:.2f}".format(*(np.sqrt(np.mean((found - x)[w] ** 2)) for w in (gap, ~gap)))

    line = f"trace {seed}: linear {error(np.where(gap, np.interp(place, place[~gap], y[~gap]), y))}"
    line += f"  spline {error(np.where(gap, CubicSpline(place[~gap], y[~gap])(place), y))}"
    for preset in presets:
        found = ipse.reconstruct(np.where(gap, np.nan, y), operator=torch.Tensor.clone, preset=preset)
        line += f"  {preset} {error(found.image[0])}"
    print(line, flush=True)


def main() -> None:
    """Measure all that was asked for."""
    made = argparse.ArgumentParser("python -m bench.own", description=__doc__)
    made.add_argument("--pictures", default="chelsea,coffee")
    made.add_argument("--side", type=int, default=192)
    made.add_argument("--noise", default="0,5")
    made.add_argument("--traces", type=int, default=5)
    made.add_argument("--presets", default="fast,good")
    told = made.parse_args()
    presets = told.presets.split(",")
    for name in filter(None, told.pictures.split(",")):
        for noise in told.noise.split(","):
            mosaic(name, told.side, float(noise), presets)
    for seed in range(told.traces):
        trace(seed, presets)


if __name__ == "__main__":
    main()
