"""argmin_x ‖m ⊙ (k ∗ x − y)‖² + λ Σ_p |∇x(p)|^α, α < 1: photographs have few strong slopes and many faint ones.

By weighted least squares: |d|^α is replaced by w d², with w ∝ (d² + ε²)^(α/2 − 1) of the last estimate, ε falling.

Levin, Fergus, Durand, Freeman, "Image and depth from a conventional camera with a coded aperture", 2007,
https://doi.org/10.1145/1276377.1276464
"""

import torch
from torch import Tensor

from ipse.pilots._canvas import Canvas, slopes

ALPHA = 0.8
EPSILON = (0.03, 0.6)  # ε of the first round, and its factor from round to round
STEPS = 12  # conjugate gradients a round
SMOOTH = 10.0  # λ of the first estimate, which takes the squares of slopes, per λ of the others


@torch.no_grad()
def sparse_slopes(canvas: Canvas, weight: float, *, rounds: int = 4) -> Tensor:
    """The canvas (1, C, H, W); ``weight`` is λ."""
    down, across = slopes(canvas.size, canvas.y)
    rough = down.abs().square() + across.abs().square()
    flat = torch.zeros_like(canvas.laid)
    x = canvas.solved(
        canvas.extended(),
        lambda d: SMOOTH * weight * _sloped(d, torch.ones_like(d), torch.ones_like(d)),
        pull=flat,
        stiff=SMOOTH * weight * rough,
        known=canvas.unclipped,
        steps=STEPS,
    )
    for index in range(rounds):
        epsilon = EPSILON[0] * EPSILON[1] ** index
        weights = [weight * _weights(d, epsilon) for d in _slopes(x)]
        typical = float(torch.stack(weights).median())
        x = canvas.solved(
            x,
            lambda d, weights=weights: _sloped(d, *weights),
            pull=flat,
            stiff=typical * rough,
            known=canvas.known(x),
            steps=STEPS,
        )
    return x


def _weights(d: Tensor, epsilon: float) -> Tensor:
    return ALPHA * (d.square() + epsilon**2) ** (ALPHA / 2 - 1)


def _slopes(x: Tensor) -> tuple[Tensor, Tensor]:
    """∇x on the torus."""
    return x.roll(-1, 2) - x, x.roll(-1, 3) - x


def _sloped(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """∇ᵀ w ∇ x."""
    a, b = _slopes(x)
    a, b = down * a, across * b
    return a.roll(1, 2) - a + b.roll(1, 3) - b
