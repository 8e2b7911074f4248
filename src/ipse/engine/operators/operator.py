"""Operators A: picture x (B, C, H, W) → measurement y.

    linear:     A(αx + βu) = αA(x) + βA(u)
    adjoint:    ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for all x and y

The adjoint of a linear map is its vector–Jacobian product, so autograd gives it for any callable.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ipse.errors import OptionError

if TYPE_CHECKING:
    from ipse.engine.operators.compose import Compose


class Operator(nn.Module):
    """A measurement: x (B, C, H, W) → y. Its tensors are buffers, so ``.to(device)`` moves them; it pickles.

    ``linear`` says whether it is linear, and so has an adjoint. ``A @ B`` is x ↦ A(B(x)).
    """

    linear: bool = True

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W)."""
        raise NotImplementedError  # an nn.Module cannot be made abstract without a second metaclass

    def adjoint(self, y: Tensor, shape: Sequence[int]) -> Tensor:
        """Aᵀ y for pictures of ``shape`` (B, C, H, W); raises OptionError where A is not linear."""
        return adjoint(self, y, shape)

    def __matmul__(self, other: "Operator") -> "Compose":
        """The operator x ↦ self(other(x))."""
        from ipse.engine.operators.compose import Compose  # compose is built on this class

        return Compose(self, other)


def adjoint(operator: Callable[[Tensor], Tensor], y: Tensor, shape: Sequence[int]) -> Tensor:
    """Aᵀ y for any linear differentiable callable: an Operator, another library's physics, a function.

    y is a measurement of pictures of ``shape`` (B, C, H, W), which is the shape of the result; gradients flow
    through it to y. Raises OptionError where the operator says that it is not linear, or where y is not of
    the shape that it measures.
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
