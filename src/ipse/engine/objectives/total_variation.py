"""R(x) = Σ √((∂₁x)² + (∂₂x)² + ε²): isotropic total variation (Rudin, Osher, Fatemi 1992)."""

from typing import Literal

from torch import Tensor

from ipse.engine.objectives.objective import Objective


class TotalVariation(Objective):
    """Prefers piecewise constant pictures.

    Args:
        reduction: "mean" over pixels, so that a weight means the same at every size, or the reference's "sum".
        epsilon: rounds the corner at zero gradient, in units of x.
    """

    def __init__(self, *, reduction: Literal["mean", "sum"] = "mean", epsilon: float = 1e-4) -> None:
        super().__init__()
        self.reduction = reduction
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """R(x); zero for a picture with fewer than two rows or columns."""
        dx = x[..., :-1, 1:] - x[..., :-1, :-1]
        dy = x[..., 1:, :-1] - x[..., :-1, :-1]
        length = (dx.square() + dy.square() + self.epsilon**2).sqrt()
        total = length.sum()
        return total / max(1, length.numel()) if self.reduction == "mean" else total
