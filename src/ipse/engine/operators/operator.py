"""Operators A: picture x (B, C, H, W) → measurement y.

    linear:     A(αx + βu) = αA(x) + βA(u)
    adjoint:    ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for all x and y

    composition: (A ∘ B)(x) = A(B(x)), so (A ∘ B)ᵀ = BᵀAᵀ

The adjoint of a linear map is its vector–Jacobian product, so autograd computes it for any callable.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ipse.errors import OptionError


class Operator(nn.Module):
    """A measurement: x (B, C, H, W) → y. Its tensors are buffers, so that ``.to(device)`` moves them.

    ``A @ B`` is x ↦ A(B(x)).
    """

    linear: bool = True  #: whether it is linear, and therefore has an adjoint

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W)."""
        raise NotImplementedError  # an nn.Module cannot be made abstract without a second metaclass

    def adjoint(self, y: Tensor, shape: Sequence[int]) -> Tensor:
        """Aᵀ y for pictures of ``shape`` (B, C, H, W); see ``adjoint``."""
        return adjoint(self, y, shape)

    def __matmul__(self, other: "Operator") -> "Compose":
        """The operator x ↦ self(other(x))."""
        return Compose(self, other)


class Compose(Operator):
    """x ↦ first(second(…(x))): the last operator acts first, as in the product A B x.

    Args:
        *operators: any callables. The composition is linear if none of them is declared not to be.

    Raises:
        OptionError: there are no operators.
    """

    def __init__(self, *operators: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        if not operators:
            raise OptionError("Compose has 0 operators; expected at least one")
        self.operators = operators
        self.parts = nn.ModuleList(op for op in operators if isinstance(op, nn.Module))  # so that they move
        self.linear = all(getattr(op, "linear", True) is not False for op in operators)

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W) by all operators in turn."""
        for operator in reversed(self.operators):
            x = operator(x)
        return x


def adjoint(operator: Callable[[Tensor], Tensor], y: Tensor, shape: Sequence[int]) -> Tensor:
    """Aᵀ y for any linear differentiable callable: an ``Operator``, another library's physics, a function.

    Args:
        operator: A.
        y: a measurement; gradients flow through the result to y.
        shape: the shape (B, C, H, W) of the pictures, and of the result.

    Raises:
        OptionError: the operator is declared as not linear, or y does not have the shape of its measurements.
    """
    if getattr(operator, "linear", True) is False:
        raise OptionError(
            f"{type(operator).__name__} is not linear and has no adjoint; expected a linear operator"
        )
    with torch.enable_grad():
        x = torch.zeros(tuple(shape), dtype=y.dtype, device=y.device, requires_grad=True)
        measured = operator(x)
        if measured.shape != y.shape:
            expected = f"{tuple(measured.shape)}, the measurement of {tuple(shape)}"
            raise OptionError(f"y has shape {tuple(y.shape)}; expected {expected}")
        return torch.autograd.grad(measured, x, y, create_graph=y.requires_grad)[0]
