"""``reconstruct`` against total variation, on projections of known phantoms.

python -m bench.scans [--phantoms shepp-logan,camera] [--views 32,64] [--presets good] [--noise 0.01] [--range 180]

Projections are averages over quarters of elements and of pixels, not those of the operator that reconstructs. Noise is
white, its norm ``noise`` times that of the projections. TV is the minimum of ½ ‖A x − y‖² + λ Σ |∇x|, x ≥ 0, over the
same views with the operator of ipse, for the λ of LAMBDAS that is best in truth: ipse is not told the truth.
"""

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data
from skimage.transform import resize
from torch import Tensor

import ipse
from bench import measures
from ipse.engine.operators import Radon
from ipse.tasks._data_step import DataStep
from ipse.tasks._splitting import Measured

SIDE, BINS = 256, 363  # the detector sees all of the square
FINE = 4  # points per pixel and per element, down and across
LAMBDAS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # in units of σ
ITERATIONS = 400  # of TV
Array = NDArray[np.float64]


def phantom(name: str) -> Array:
    """A picture (SIDE, SIDE) in [0, 1]."""
    whole = data.shepp_logan_phantom() if name == "shepp-logan" else getattr(data, name)() / 255
    return np.asarray(
        resize(whole.mean(-1) if whole.ndim == 3 else whole, (SIDE, SIDE), anti_aliasing=True), np.float64
    )


def projected(x: Array, angles: Array) -> Array:
    """Line integrals (views, BINS), by adding up points."""
    dense = np.kron(x, np.ones((FINE, FINE))).ravel()
    place = (np.arange(FINE * SIDE) - (FINE * SIDE - 1) / 2) / FINE
    rows: list[Array] = []
    for turn in np.deg2rad(angles):
        t = (place * np.cos(turn) - (place * np.sin(turn))[:, None]).ravel() * FINE + (FINE * BINS - 1) / 2
        low, part = np.floor(t).astype(int), t - np.floor(t)
        row = np.bincount(low, dense * (1 - part), FINE * BINS) + np.bincount(
            low + 1, dense * part, FINE * BINS
        )
        rows.append(row.reshape(-1, FINE).sum(1) / FINE**2)
    return np.stack(rows)


def total_variation(operator: Radon, y: Tensor, weight: float) -> Tensor:
    """argmin_x ½ ‖A x − y‖² + λ Σ |∇x|, x ≥ 0."""
    x = torch.zeros(1, 1, *operator.size)
    measured = Measured(y, operator, torch.ones_like(y), operator.size)
    return DataStep(measured, lambda x: x.clamp_min(0), weight)(x, 0.0, iterations=ITERATIONS)


def psnr(found: Any, truth: Array) -> float:
    """In dB, of what a picture in [0, 1] can show."""
    return measures.psnr(np.clip(np.asarray(found), 0, 1), truth)


def compare(name: str, views: int, presets: list[str], noise: float, span: float) -> None:
    """Measure one phantom, and print the figures."""
    truth, angles = phantom(name), np.arange(views) * span / views
    y = projected(truth, angles)
    sigma = noise * float(np.sqrt(np.mean(y**2)))
    y += sigma * np.random.default_rng(0).normal(size=y.shape)
    operator, seen = Radon((SIDE, SIDE), angles, bins=BINS), torch.from_numpy(y).float()[None, None]
    line = f"{name:12} {views:3} views"
    for preset in presets:
        start = time.process_time()
        found = ipse.reconstruct(y, angles=angles, size=SIDE, preset=preset)  # type: ignore[arg-type]
        chosen = {key: found.estimates.get(key) for key in ("pull", "smoothness", "mixture")}
        seconds = time.process_time() - start
        line += f"  {preset} {psnr(found.image, truth):.2f} ({seconds:.0f} s of one core, {chosen})"
        print(line, flush=True)
    with torch.no_grad():
        scores = {one: psnr(total_variation(operator, seen, one * sigma)[0, 0], truth) for one in LAMBDAS}
    best = max(scores, key=lambda one: scores[one])
    print(f"{line}  TV {scores[best]:.2f} (λ = {best:g} σ)", flush=True)


def main() -> None:
    """Measure all that was asked for."""
    made = argparse.ArgumentParser("python -m bench.scans", description=__doc__)
    made.add_argument("--phantoms", default="shepp-logan,camera")
    made.add_argument("--views", default="32,64")
    made.add_argument("--presets", default="good")
    made.add_argument("--noise", type=float, default=0.01)
    made.add_argument("--range", type=float, default=180, help="degrees that the views cover")
    told = made.parse_args()
    for name in told.phantoms.split(","):
        for views in told.views.split(","):
            compare(name, int(views), told.presets.split(","), told.noise, told.range)


if __name__ == "__main__":
    main()
