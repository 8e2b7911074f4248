"""E + R: objectives map a picture x (1, C, H, W) to a scalar to minimise.

Terms add with ``+`` and scale with ``*``, so that code reads as the equation:
``LeastSquares(y, A) + 0.002 * TotalVariation()``.
"""

from torch import Tensor, nn


class Objective(nn.Module):
    """A scalar function of a picture. Subclasses define ``forward(x) -> Tensor`` of shape ()."""

    def __add__(self, other: "Objective") -> "Objective":
        """E + R."""
        return Weighted([*weighted(self), *weighted(other)])

    def __mul__(self, weight: float) -> "Objective":
        """λ E."""
        return Weighted([(weight * own, term) for own, term in weighted(self)])

    __rmul__ = __mul__


class Weighted(Objective):
    """Σ λᵢ Eᵢ, without nesting."""

    def __init__(self, terms: list[tuple[float, Objective]]) -> None:
        super().__init__()
        self.weights = [weight for weight, _ in terms]
        self.terms = nn.ModuleList(term for _, term in terms)

    def forward(self, x: Tensor) -> Tensor:
        """Σ λᵢ Eᵢ(x)."""
        values = [weight * term(x) for weight, term in zip(self.weights, self.terms, strict=True)]
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total


def weighted(objective: Objective) -> list[tuple[float, Objective]]:
    """The terms of an objective with their weights."""
    if isinstance(objective, Weighted):
        return list(zip(objective.weights, objective.terms, strict=True))  # type: ignore[arg-type]  # ModuleList forgets its type
    return [(1.0, objective)]
