"""A(x) = E min(max(x + n, 0), 1), n ~ N(0, σ²): the mean of a noisy picture that was clipped to [0, 1].

A fit to such a picture learns its mean, which is A(x) rather than x near black and white (``ipse.noise.clipping``).
"""

from torch import Tensor

from ipse.engine.operators.operator import Operator
from ipse.noise.clipping import mean


class Clipped(Operator):
    """x (B, C, H, W) → its mean after noise of standard deviation ``sigma`` (in units of x) and clipping."""

    linear = False

    def __init__(self, sigma: float) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, x: Tensor) -> Tensor:
        """A(x)."""
        return mean(x, self.sigma)
