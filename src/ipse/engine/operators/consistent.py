"""The picture nearest to x among those that measure y, to within its rounding:  x + A⁺ r,  r = y − A x beyond ±t.

What is rounded to t is not known better: to match it more closely would put the rounding, made louder by A⁺, into x.

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
        exact = torch.zeros((), dtype=torch.float64)  # on the CPU: Apple's GPUs know no double
        rows, columns = (operator.matrix(side, exact) for side in size)
        self.rows: Tensor = torch.linalg.pinv(rows).to(y)
        self.columns: Tensor = torch.linalg.pinv(columns).to(y)

    def within(self, rounding: float) -> "Consistent":
        """The same, to within a rounding t; half a level of what is stored in levels."""
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
