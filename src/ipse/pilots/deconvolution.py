"""argmin_x ‖m ⊙ (k ∗ x − y)‖² / σ² + R(x), k known: a linear data step in turn with non-local denoising.

    x ← argmin_x ‖m ⊙ (k ∗ x − y)‖² + ρ ‖x − v‖²,     v ← D_s(x),     ρ = σ² / s², s falling

The first x has sparse slopes. What lies beyond the border is sought too. A clipped sample says only that the blurred
scene was at least as bright (or as dark): m leaves it out wherever k ∗ x is beyond it.

Venkatakrishnan, Bouman, Wohlberg, "Plug-and-play priors for model based reconstruction", 2013,
https://doi.org/10.1109/GlobalSIP.2013.6737048
Zhang, Li, Zuo, Zhang, Van Gool, Timofte, "Plug-and-play image restoration with deep denoiser prior", 2021,
https://arxiv.org/abs/2008.13751
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ipse.pilots._canvas import Canvas
from ipse.pilots._steps import Preset
from ipse.pilots.non_local import non_local
from ipse.pilots.sparse_slopes import sparse_slopes

SIGMA_MIN = 0.7 / 255  # smallest σ that is assumed: rounding, and kernels are never exact
SPARSE = 3.0  # λ of the first estimate is (SPARSE · σ)²
FIRST = {"fast": 8 / 255, "good": 20 / 255, "best": 20 / 255}  # s of the first round, if σ is not larger
LAST = 2 / 255  # s of the last round, if σ is not larger
EARLY = 8 / 255  # s above which the first estimate is better than what is denoised so strongly
ROUNDS = {"fast": 2, "good": 8, "best": 14}
DENOISERS: dict[str, Preset] = {"fast": "fast once", "good": "once", "best": "once"}
STEPS = 6  # conjugate gradients of a data step
REACHED = 0.01  # share of its light that a pixel spread over clipped samples


@torch.no_grad()
def deconvolution(y: Tensor, kernel: Tensor, sigma: float, *, effort: str = "good") -> Iterator[Tensor]:
    """Yield estimates (1, C, h, w) of the sharp picture.

    Args:
        y: the blurred picture (1, C, h, w), in [0, 1].
        kernel: k (K, L), of sum 1, its centre at (⌊K/2⌋, ⌊L/2⌋).
        sigma: standard deviation of the noise.
        effort: a key of ``ROUNDS``.
    """
    canvas, sigma = Canvas(y, kernel), max(sigma, SIGMA_MIN)
    x = sparse_slopes(canvas, (SPARSE * sigma) ** 2)
    first = canvas.inner(x).clamp(0, 1)
    yield first
    for level in np.geomspace(max(FIRST[effort], sigma), max(LAST, sigma), ROUNDS[effort]).tolist():
        there = canvas.known(x)
        part = canvas.cropped(within(canvas, x, there)).contiguous()
        v = canvas.replaced(x, non_local(part, level, preset=DENOISERS[effort]))
        yield first if level > EARLY else canvas.inner(v).clamp(0, 1)
        weight = (sigma / level) ** 2
        x = canvas.solved(
            v, lambda d, weight=weight: weight * d, pull=v, stiff=weight, known=there, steps=STEPS
        )


def within(canvas: Canvas, x: Tensor, there: Tensor) -> Tensor:
    """x within [0, 1], except where it was blurred into samples that were clipped."""
    free = canvas.filtered(canvas.inside - there, canvas.spectrum.conj()) > REACHED
    return torch.where(free, x, x.clamp(0, 1))
