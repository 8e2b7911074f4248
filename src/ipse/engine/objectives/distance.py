"""E(x) = dist(x, S)²: for a measurement that says which pictures are possible, S, and no more."""

from collections.abc import Callable

from torch import Tensor

from ipse.engine.objectives.objective import Objective


class Distance(Objective):
    """The squared distance to a set, by the set's own measure of it.

    Args:
        squared: a differentiable function of x (1, C, H, W) → (), zero within the set.
    """

    def __init__(self, squared: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.squared = squared

    def forward(self, x: Tensor) -> Tensor:
        """dist(x, S)²."""
        return self.squared(x)
