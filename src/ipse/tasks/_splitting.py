"""argmin_x ‖m ⊙ (A x − y)‖² + R(x) by half-quadratic splitting: a linear data step alternates with a denoiser.

    x ← argmin_x ‖m ⊙ (A x − y)‖² + ρ ‖x − v‖²,     v ← D_s(x),     ρ = c σ² / s², s falling

A is linear. Each x is found by conjugate gradients, starting at v. The first x is Tikhonov's, with R(x) = λ ‖∇x‖².

Hestenes and Stiefel, "Methods of conjugate gradients", 1952, https://doi.org/10.6028/jres.049.044
Zhang, Li, Zuo, Zhang, Van Gool, Timofte, "Plug-and-play image restoration with deep denoiser prior", 2021,
https://arxiv.org/abs/2008.13751
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ipse.pilots.non_local import non_local
from ipse.tasks._common import Effort

TIKHONOV, NOISY = 3e-3, 5.0  # λ of the first estimate is TIKHONOV + NOISY · σ²
ROUNDS = {"fast": 4, "good": 8, "best": 16}  # number of splitting rounds
LEVELS = (20 / 255, 2 / 255)  # s of the first and the last round; neither falls below σ
C_RHO = 4.0  # c in ρ = c σ² / s²
SIGMA_MIN = 0.7 / 255  # smallest σ that is assumed, since 8-bit pictures have at least that much
ITERATIONS = 40  # conjugate gradient iterations for the first estimate
LATER_ITERATIONS = 12  # conjugate gradient iterations for the others, which start near the solution


@dataclass(frozen=True)
class Measured:
    """y = m ⊙ A x + n."""

    y: Tensor  #: (1, C, h, w)
    operator: Callable[[Tensor], Tensor]  #: A, linear
    seen: Tensor  #: m, bool (1, 1, h, w)
    size: tuple[int, int]  #: (H, W) of x

    def pulled(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Aᵀ m (A x − y), in the shape of x; without y, Aᵀ m A x."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            misfit = self.operator(x) if y is None else self.operator(x) - y
            return torch.autograd.grad((self.seen.to(x.dtype) * misfit.square()).sum() / 2, x)[0]

    def start(self) -> Tensor:
        """A constant picture with the mean of the measured samples."""
        weight = self.seen.to(self.y.dtype)
        mean = (weight * self.y).sum((2, 3), keepdim=True) / weight.sum().clamp_min(1)
        return mean.expand(1, -1, *self.size).clone()


def splitting(
    measured: Measured,
    *,
    smoothness: float,
    denoise: Callable[[Tensor, float], Tensor],
    levels: Sequence[tuple[float, float]],
) -> Iterator[Tensor]:
    """Yield estimates (1, C, H, W) within [0, 1]: Tikhonov's, then one for each level.

    Args:
        measured: the measurement.
        smoothness: λ of the first estimate.
        denoise: D, a function of a picture and a noise level in its units.
        levels: (s, ρ) for each round, with s falling.
    """
    x = solved(measured, measured.start(), lambda d: smoothness * rough(d), iterations=ITERATIONS)
    yield x.clamp(0, 1)
    for level, weight in levels:
        v = denoise(x.clamp(0, 1), level)
        x = solved(measured, v, lambda d, weight=weight: weight * d, iterations=LATER_ITERATIONS, pull=v)
        yield x.clamp(0, 1)


def solved(
    measured: Measured,
    x: Tensor,
    prior: Callable[[Tensor], Tensor],
    *,
    iterations: int,
    pull: Tensor | None = None,
    target: Tensor | float = 0.0,
) -> Tensor:
    """Solve (Aᵀ m A + P) x = Aᵀ m y + P v + t, starting at x.

    P is ``prior``, v is ``pull`` (zero if None) and t is ``target``.
    """
    residual = target - measured.pulled(x, measured.y) - prior(x if pull is None else x - pull)
    direction, power = residual, residual.square().sum()
    for _ in range(iterations):
        image = measured.pulled(direction) + prior(direction)
        length = power / (direction * image).sum().clamp_min(1e-20)
        x, residual = x + length * direction, residual - length * image
        power, before = residual.square().sum(), power
        direction = residual + power / before.clamp_min(1e-20) * direction
    return x


def rough(x: Tensor) -> Tensor:
    """∇ᵀ∇ x, the negative Laplacian with zero flux at the border."""
    return falling(x.diff(dim=2), x.diff(dim=3))


def falling(down: Tensor, across: Tensor) -> Tensor:
    """∇ᵀ of differences of neighbours, (…, H − 1, W) and (…, H, W − 1)."""
    out = down.new_zeros(*across.shape[:-1], down.shape[-1])
    out[..., 1:, :] += down
    out[..., :-1, :] -= down
    out[..., 1:] += across
    out[..., :-1] -= across
    return out


def estimates(measured: Measured, sigma: float, effort: Effort) -> Iterator[Tensor]:
    """Yield Tikhonov's estimate, then one for each splitting round with the non-local denoiser."""
    sigma = max(sigma, SIGMA_MIN)
    falling = np.geomspace(max(LEVELS[0], sigma), max(LEVELS[1], sigma), ROUNDS[effort]).tolist()
    return splitting(
        measured,
        smoothness=TIKHONOV + NOISY * sigma**2,
        denoise=lambda x, level: non_local(x, level, preset="once"),
        levels=[(level, C_RHO * (sigma / level) ** 2) for level in falling],
    )
