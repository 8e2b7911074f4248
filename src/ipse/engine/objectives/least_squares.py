"""E(x) = mean(w · (A x − y)²)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from ipse.engine.objectives.objective import Objective


class LeastSquares(Objective):
    """The Gaussian data fidelity, which is the reference's loss in every task.

    Args:
        y: the measurement, of the shape that ``operator`` returns.
        operator: A; any callable. None is the identity.
        weight: w, broadcast against y; zero where the measurement is missing or held out. The mean is taken over all
            of y, as in the reference's masked loss.
    """

    def __init__(
        self, y: Tensor, operator: Callable[[Tensor], Tensor] | None = None, *, weight: Tensor | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("y", y, persistent=False)
        self.register_buffer("weight", weight, persistent=False)
        self.operator = operator

    y: Tensor
    weight: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """mean(w · (A x − y)²)."""
        measured = x if self.operator is None else self.operator(x)
        if self.weight is None:
            return mse_loss(measured, self.y)
        return ((measured - self.y).square() * self.weight).mean()

    @torch.no_grad()
    def error(self, x: Tensor) -> float:
        """The mean squared error at measured samples: Σ w (A x − y)² / Σ w."""
        share = 1.0 if self.weight is None else float(self.weight.mean())
        return float(self(x)) / share if share else 0.0
