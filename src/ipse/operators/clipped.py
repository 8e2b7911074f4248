"""A(x) = E min(max(x + n, 0), 1), n ~ N(0, σ²): the mean of a noisy picture that was stored within [0, 1].

    A(x) = σ g(x/σ) − σ g((x − 1)/σ),     g(t) = t Φ(t) + φ(t)

A fit to such a picture learns its mean; where black and white were clipped that is not x but A(x).
"""

import math

import torch
from torch import Tensor

from ipse.operators.operator import Operator


class Clipped(Operator):
    """x (B, C, H, W) → its mean after noise of standard deviation ``sigma`` (in units of x) and clipping."""

    linear = False

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = max(sigma, 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """A(x)."""
        return self.sigma * (_ramp(x / self.sigma) - _ramp((x - 1) / self.sigma))


def _ramp(t: Tensor) -> Tensor:
    """E max(t + n, 0), n ~ N(0, 1)."""
    return t * torch.special.ndtr(t) + torch.exp(-t * t / 2) / math.sqrt(2 * math.pi)
