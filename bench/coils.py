"""``reconstruct`` against L1 wavelets and total variation, on a simulated k-space of several coils.

python -m bench.coils [--phantoms astronaut,rocket] [--share 0.25] [--coils 8] [--noise 0.05] [--presets fast,good]

The phantom's magnitude is a picture inside an ellipse, with nothing around it; its phase is smooth. Points are sampled,
more of them at low frequencies, and a full centre of 24 × 24. Noise is white, its norm ``noise`` times that of the
sampled k-space. TV and L1 wavelets (of SigPy, where it is installed: pip install sigpy) have the true sensitivities and
the weight that is best in truth; ipse is told nothing. PSNR is that of the magnitude.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import ipse
from bench.scans import phantom, psnr
from ipse.engine.operators.coils import Coils, joined, parted
from ipse.tasks._data_step import DataStep
from ipse.tasks._splitting import Measured

SIDE, CENTRE = 256, 24
WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of TV, in units of σ
WAVELETS = (2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2)  # λ of SigPy
Complex = NDArray[np.complexfloating]


def pairs(channels: Complex) -> Tensor:
    """Complex channels (C, H, W) as pairs (1, 2 C, H, W)."""
    return parted(torch.from_numpy(channels.astype(np.complex64))[None])


def birdcage(coils: int, height: int, width: int, *, radius: float = 1.5) -> Complex:
    """Sensitivities of coils on a circle around the picture, falling with distance, Σ |s|² = 1."""
    down, across = ((np.arange(side) - side / 2) / (side / 2) for side in (height, width))
    turns = 2 * np.pi * np.arange(coils) / coils
    apart = (
        across - radius * np.cos(turns)[:, None, None],
        down[:, None] - radius * np.sin(turns)[:, None, None],
    )
    maps = np.exp(1j * (np.arctan2(*apart) + turns[:, None, None])) / np.hypot(*apart)
    return maps / np.sqrt((np.abs(maps) ** 2).sum(0))


def points(share: float, height: int, width: int, draw: np.random.Generator) -> NDArray[np.bool_]:
    """Which frequencies are sampled, (H, W)."""
    down, across = (np.abs(np.arange(side) - side // 2) / (side / 2) for side in (height, width))
    dense = (1 - np.hypot(down[:, None], across) / 2**0.5) ** 3
    low, high = 0.0, 100.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if np.minimum(1, middle * dense).mean() < share else (low, middle)
    mask = draw.random((height, width)) < low * dense
    top, left, half = height // 2, width // 2, CENTRE // 2
    mask[top - half : top + half, left - half : left + half] = True
    return mask


def simulated(name: str, told: argparse.Namespace) -> tuple[Complex, Complex, NDArray[np.float64], float]:
    """The k-space (coils, H, W), the sensitivities, the true magnitude, and σ of a real part."""
    draw = np.random.default_rng(0)
    down, across = np.mgrid[:SIDE, :SIDE] / SIDE
    truth = phantom(name) * (np.hypot(2 * down - 1, (2 * across - 1) / 0.8) < 0.9)
    x = truth * np.exp(1j * (2 * across + 1.5 * np.sin(3 * down)))
    maps = birdcage(told.coils, SIDE, SIDE)
    y = joined(Coils(maps)(pairs(x[None])))[0].numpy()
    mask = points(told.share, SIDE, SIDE, draw)
    sigma = told.noise * float(np.sqrt(np.mean(np.abs(y[:, mask]) ** 2) / 2))
    noise = draw.normal(size=y.shape) + 1j * draw.normal(size=y.shape)
    return ((y + sigma * noise) * mask).astype(np.complex64), maps, truth, sigma


def total_variation(y: Complex, maps: Complex, weight: float) -> NDArray[Any]:
    """The magnitude of argmin_x ½ ‖m (A x − y)‖² + λ Σ |∇x|."""
    seen = torch.from_numpy((np.abs(y).sum(0) > 0).astype(np.float32))[None, None]
    measured = Measured(pairs(y), Coils(maps), seen, (SIDE, SIDE))
    x = DataStep(measured, lambda x: x, weight)(torch.zeros(1, 2, SIDE, SIDE), 0.0, iterations=400)
    return x.square().sum(1).sqrt()[0].numpy()


def wavelets(y: Complex, maps: Complex, weight: float) -> NDArray[Any]:
    """The magnitude of SigPy's L1-wavelet reconstruction."""
    from sigpy.mri.app import L1WaveletRecon  # pyright: ignore[reportMissingImports]  # an optional package

    found: Any = L1WaveletRecon(y, maps.astype(np.complex64), weight, show_pbar=False).run()
    return np.abs(found)


def best(
    method: Callable[..., NDArray[Any]], weights: tuple[float, ...], truth: NDArray[Any], *given: Any
) -> str:
    """The PSNR of a method with the weight that is best in truth."""
    scores = {weight: psnr(method(*given, weight), truth) for weight in weights}
    weight = max(scores, key=lambda one: scores[one])
    return f"{scores[weight]:.2f} (λ = {weight:g})"


@torch.no_grad()
def compare(name: str, told: argparse.Namespace) -> None:
    """Measure one phantom, and print the figures."""
    y, maps, truth, sigma = simulated(name, told)
    line = f"{name:12} sampled {np.mean(np.abs(y).sum(0) > 0):.3f}"
    for preset in told.presets.split(","):
        start = time.process_time()
        found = ipse.reconstruct(y, preset=preset)
        seconds = time.process_time() - start
        chosen = [found.estimates.get(key) for key in ("pull", "smoothness")]
        off = found.estimates["sigma"] / sigma
        line += f"  {preset} {psnr(np.abs(found.image), truth):.2f} ({seconds:.0f} s, {chosen}, σ found × {off:.2f})"
    print(line, flush=True)
    weights = tuple(weight * sigma for weight in WEIGHTS)
    print(f"{'':12} TV {best(total_variation, weights, truth, y, maps)}", flush=True)
    try:
        print(f"{'':12} L1 wavelets {best(wavelets, WAVELETS, truth, y, maps)}", flush=True)
    except ImportError:
        print(f"{'':12} L1 wavelets: pip install sigpy")


def main() -> None:
    """Measure all that was asked for."""
    made = argparse.ArgumentParser("python -m bench.coils", description=__doc__)
    made.add_argument("--phantoms", default="astronaut,rocket")
    made.add_argument("--share", type=float, default=0.25)
    made.add_argument("--coils", type=int, default=8)
    made.add_argument("--noise", type=float, default=0.05)
    made.add_argument("--presets", default="fast,good")
    told = made.parse_args()
    for name in told.phantoms.split(","):
        compare(name, told)


if __name__ == "__main__":
    main()
