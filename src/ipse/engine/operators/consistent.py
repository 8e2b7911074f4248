"""The picture closest to x whose downsampled version is y, to within rounding:  x + A⁺ r,  r = y − A x beyond ±t.

y is only known to within its rounding t. Matching it more closely would add the rounding error, amplified by A⁺, to x.

A is separable, A x = R x Cᵀ, so its pseudo-inverse is too: A⁺ r = R⁺ r C⁺ᵀ, exact and two small products.
"""

from copy import copy

import torch
from torch import Tensor

from ipse.engine.operators.downsample import Downsample


class Consistent:
    """Projects pictures (1, C, H, W) onto {x : A x = y}.

    Args:
        operator: A.
        y: the measurement (1, C, h, w).
        size: (H, W) of the pictures.
    """

    rounding = 0.0  #: t, in units of y

    def __init__(self, operator: Downsample, y: Tensor, size: tuple[int, int]) -> None:
        self.operator, self.y = operator, y
        exact = torch.zeros(
            (), dtype=torch.float64
        )  # on the CPU, since Apple's GPUs do not support double precision
        rows, columns = (operator.matrix(side, exact) for side in size)
        self.rows: Tensor = torch.linalg.pinv(rows).to(y)
        self.columns: Tensor = torch.linalg.pinv(columns).to(y)

    def within(self, rounding: float) -> "Consistent":
        """A copy with the rounding t, half a quantisation level of the stored samples."""
        coarse = copy(self)
        coarse.rounding = rounding
        return coarse

    def __call__(self, x: Tensor, *, rounds: int = 1) -> Tensor:
        """Project x; with more than one round, alternately with the range [0, 1], ending in the range."""
        for _ in range(rounds):
            r = self.y - self.operator(x)
            x = x + self.rows @ (r - r.clamp(-self.rounding, self.rounding)) @ self.columns.T
            if rounds > 1:
                x = x.clamp(0, 1)
        return x
