"""A tooth: reconstructions of every fourth projection against filtered back-projection of all of them.

python -m bench.tooth PATH [--presets fast,good] [--iterations 200]

PATH is tomopy's tooth.h5 (https://github.com/tomopy/tomopy), 181 views of 640 elements. PSNR is in dB of the tooth's
brightness, inside the circle that all views see. The reference is noisy itself, so it is taken twice: with the plain
ramp filter, and with a Hann window on it. SIRT has the number of rounds and TV the λ that are best for the reference;
ipse is told nothing but the angles. The others are told the axis that ipse found from the projections that it saw.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import ipse
from bench.scans import total_variation
from ipse.engine.operators import Radon
from ipse.pictures.measurement import read_measurement
from ipse.tasks._detector import axis_of
from ipse.tasks._tomography import back_projected

EACH = 4  # one view in so many is seen
LAMBDAS = (2, 4, 8, 16, 32, 64)  # of TV, in units of σ
Array = NDArray[Any]


def simultaneous(operator: Radon, y: Tensor, rounds: int) -> Iterator[Tensor]:
    """SIRT: x ← [x + C Aᵀ R (y − A x)]₊, C and R one over the sums of the columns and rows of A.

    Gilbert 1972, https://doi.org/10.1016/0022-5193(72)90180-4
    """
    x = torch.zeros(1, 1, *operator.size)
    rows = operator(torch.ones_like(x)).clamp_min(1e-6)
    columns = operator.adjoint(torch.ones_like(y), x.shape).clamp_min(1e-6)
    for _ in range(rounds):
        x = (x + operator.adjoint((y - operator(x)) / rows, x.shape) / columns).clamp_min(0)
        yield x


def windowed(y: Tensor) -> Tensor:
    """Projections through a Hann window along the detector."""
    spectrum = np.fft.rfft(y.numpy(), axis=-1)
    window = (1 + np.cos(np.linspace(0, np.pi, spectrum.shape[-1]))) / 2
    return torch.from_numpy(np.fft.irfft(spectrum * window, n=y.shape[-1], axis=-1)).float()


class Against:
    """PSNR of a picture against both references, as text."""

    def __init__(self, references: list[Array], radius: float) -> None:
        side = references[0].shape[0]
        self.inside = np.hypot(*(np.mgrid[:side, :side] - (side - 1) / 2)) < radius
        self.references = references

    def __call__(self, found: Any) -> list[float]:
        """In dB."""
        x = np.asarray(found).squeeze()
        return [self._psnr(x, one) for one in self.references]

    def _psnr(self, x: Array, one: Array) -> float:
        peak = np.quantile(one[self.inside], 0.999)
        return float(-10 * np.log10(np.mean((x - one)[self.inside] ** 2) / peak**2))


def best(name: str, scores: dict[Any, list[float]]) -> None:
    """Print the best score for each reference."""
    found = [max(scores, key=lambda one, at=at: scores[one][at]) for at in (0, 1)]
    said = (f"{scores[one][at]:.2f} ({one})" for at, one in enumerate(found))
    print(f"{name:16}", *said, flush=True)


@torch.no_grad()
def compare(path: Path, presets: list[str], rounds: int) -> None:
    """Measure all methods, and print the figures."""
    read = read_measurement(path)
    angles, y = read.geometry["angles"], read.samples
    some, few, side = angles[::EACH], y[::EACH], y.shape[1]
    axis = axis_of(few, some) or (side - 1) / 2
    every, fourth = (Radon((side, side), one, bins=side, centre=axis) for one in (angles, some))
    whole, seen = (torch.from_numpy(one)[None, None] for one in (y, few))
    references = [back_projected(every, one, angles)[0, 0].numpy() for one in (whole, windowed(whole))]
    against = Against(references, side / 2 - abs((side - 1) / 2 - axis))
    print(f"{len(some)} of {len(angles)} views, axis {axis:.2f}; PSNR against ramp, and Hann", flush=True)
    best("back-projection", {name: against(back_projected(fourth, one, some)) for name, one in
                             {"ramp": seen, "Hann": windowed(seen)}.items()})  # fmt: skip
    best("SIRT", {1 + n: against(x) for n, x in enumerate(simultaneous(fourth, seen, rounds))})
    sigma = 1.0
    for preset in presets:
        start = time.process_time()
        found = ipse.reconstruct(few, angles=some, preset=preset)  # type: ignore[arg-type]
        sigma = float(str(found.estimates["sigma"]))
        said = {name: value for name, value in found.estimates.items() if name != "found"}
        scores = "{:.2f} {:.2f}".format(*against(found.image))
        print(f"{preset:16} {scores} ({time.process_time() - start:.0f} s, {said})", flush=True)
    best("TV", {one: against(total_variation(fourth, seen, one * sigma)) for one in LAMBDAS})


def main() -> None:
    """Measure the tooth."""
    made = argparse.ArgumentParser("python -m bench.tooth", description=__doc__)
    made.add_argument("path", type=Path)
    made.add_argument("--presets", default="fast,good")
    made.add_argument("--iterations", type=int, default=200)
    told = made.parse_args()
    compare(told.path, told.presets.split(","), told.iterations)


if __name__ == "__main__":
    main()
