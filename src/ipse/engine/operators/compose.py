"""Composition: (A ∘ B) x = A(B(x)), so (A ∘ B)ᵀ = BᵀAᵀ: a blur, then fewer pixels, then a mask."""

from collections.abc import Callable

from torch import Tensor, nn

from ipse.engine.operators.operator import Operator
from ipse.errors import OptionError


class Compose(Operator):
    """x ↦ first(second(…(x))); the last one listed acts first, as in the product A B x.

    Any callables; linear where every one that says so is. Raises OptionError where there is none.
    """

    def __init__(self, *operators: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        if not operators:
            raise OptionError("Compose has 0 operators; expected at least one")
        self.operators = operators
        self.parts = nn.ModuleList(op for op in operators if isinstance(op, nn.Module))  # so that they move
        self.linear = all(getattr(op, "linear", True) is not False for op in operators)

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W) by all in turn."""
        for operator in reversed(self.operators):
            x = operator(x)
        return x
