"""E(x) = dist(x, S)²: for a measurement that only restricts the picture to a set S."""

from collections.abc import Callable

from torch import Tensor

from ipse.engine.objectives.objective import Objective


class Distance(Objective):
    """The squared distance to a set.

    Args:
        squared: computes the squared distance of x, (1, C, H, W) → (); differentiable, and zero within the set.
    """

    def __init__(self, squared: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.squared = squared

    def forward(self, x: Tensor) -> Tensor:
        """dist(x, S)²."""
        return self.squared(x)
