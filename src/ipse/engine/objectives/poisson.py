"""E(x) = mean(w · (A x − y log(A x))): the Poisson likelihood, up to a constant."""

from collections.abc import Callable

from torch import Tensor

from ipse.engine.objectives.objective import Objective


class Poisson(Objective):
    """The data fidelity for photon counts: y ~ Poisson(A x / gain) · gain.

    Args:
        y: the measurement, ≥ 0; its scale cancels.
        operator: A; any callable. None is the identity.
        weight: w, broadcast against y.
        floor: the smallest intensity, so that the logarithm stays finite.
    """

    def __init__(
        self,
        y: Tensor,
        operator: Callable[[Tensor], Tensor] | None = None,
        *,
        weight: Tensor | None = None,
        floor: float = 1e-3,
    ) -> None:
        super().__init__()
        self.register_buffer("y", y, persistent=False)
        self.register_buffer("weight", weight, persistent=False)
        self.operator = operator
        self.floor = floor

    y: Tensor
    weight: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        """mean(w · (A x − y log(A x)))."""
        rate = (x if self.operator is None else self.operator(x)).clamp_min(self.floor)
        value = rate - self.y * rate.log()
        return (value if self.weight is None else value * self.weight).mean()
