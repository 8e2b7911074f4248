"""A as others wrote it: a linear callable on tensors, or a physics of deepinv, whose adjoint is checked.

    A(2 x − 3 u) = 2 A x − 3 A u,       ⟨A x, v⟩ = ⟨x, Aᵀ v⟩,       for random x, u and v

Tachella et al., "DeepInverse: a Python package for solving imaging inverse problems with deep learning", 2025,
https://arxiv.org/abs/2505.20160: there ``A`` measures without noise, and ``A_adjoint`` is its transpose.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ipse.engine.operators.coils import joined, parted
from ipse.engine.operators.operator import Operator, adjoint
from ipse.errors import OptionError, cause

CLOSE = 1e-3  # relative error that is put down to single precision
SHAPE = "give the shape of its pictures (--shape), if it is another one"
Shape = tuple[int, ...]


class Foreign(Operator):
    """x (B, C, H, W) → y (B, 1, h, w) in single precision; h counts the rows of all axes before the last one.

    Args:
        own: A, which maps (1, C, H, W) to a tensor; or an object with ``A`` and ``A_adjoint``.
        picture: the shape of a picture, as A knows it; at least (H, W).
        measured: that of a measurement.
        paired: whether x and y are pairs of a real and an imaginary part, of numbers that A knows as complex.
        name: for messages.
    """

    def __init__(
        self,
        own: Any,
        picture: Shape,
        measured: Shape,
        *,
        paired: bool = False,
        name: str = "the operator",
    ) -> None:
        super().__init__()
        self.own, self.paired, self.name = own, paired, name
        self.picture, self.measured = picture, measured

    @property
    def channels(self) -> Shape:
        """(1, C, H, W) of a picture in real numbers."""
        *before, height, width = lead(self.picture)
        return 1, math.prod(before) * (2 if self.paired else 1), height, width

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W)."""
        if not transposed(self.own):
            return self.product(x)
        y: Any = _Product.apply(x, self, False)
        return y

    def product(self, x: Tensor, *, turned: bool = False) -> Tensor:
        """A x, or Aᵀ x by A's own transpose."""
        shapes = (self.measured, self.picture) if turned else (self.picture, self.measured)
        function = self.own if not transposed(self.own) else self.own.A_adjoint if turned else self.own.A
        found: list[Tensor] = []
        for one in x.float():
            channels = one.reshape(1, -1, *lead(shapes[0])[-2:])
            given = (joined(channels) if self.paired else channels).reshape(lead(shapes[0]))
            made = called(function, given, self.name)
            if without_ones(tuple(made.shape)) != without_ones(shapes[1]):
                pair = f"{tuple(given.shape)} to {tuple(made.shape)}"
                raise OptionError(f"{self.name} maps {pair}; expected {shapes[1]}: {SHAPE}")
            if made.is_complex() != self.paired:
                raise OptionError(
                    f"{self.name} returned {made.dtype}; expected complex where y is, else real"
                )
            channels = made.reshape(1, -1, *lead(shapes[1])[-2:])
            found.append(parted(channels.to(torch.complex64)) if self.paired else channels.float())
        both = torch.cat(found).to(x.dtype)
        return both if turned else both.flatten(1, 2)[:, None]

    @torch.no_grad()
    def check(self, like: Tensor) -> None:
        """Try A on random pictures, on the device of a tensor.

        Raises:
            OptionError: A fails, returns something else, is not linear, or its adjoint is wrong or cannot be had.
        """
        draw = torch.Generator().manual_seed(0)
        shape = self.channels
        x, u = (torch.randn(shape, generator=draw).to(like.device) for _ in range(2))
        y = self(x)
        off = float((self(2 * x - 3 * u) - 2 * y + 3 * self(u)).norm() / y.norm().clamp_min(1e-30))
        if not off < CLOSE:
            raise OptionError(
                f"{self.name} is not linear: A(2 x − 3 u) is {100 * off:.2g} % from 2 A x − 3 A u; "
                "give one without noise, offset or clipping"
            )
        v = torch.randn(y.shape, generator=draw).to(y)
        try:
            back = adjoint(self, v, shape)
        except RuntimeError as error:
            raise OptionError(
                f"{self.name} cannot be differentiated ({cause(error)}): write it in PyTorch, "
                "or give an object with A and A_adjoint"
            ) from error
        one, other = float((y * v).sum()), float((x * back).sum())
        if not abs(one - other) <= CLOSE * float(y.norm() * v.norm()):
            raise OptionError(
                f"{self.name} has an A_adjoint that is not A's: ⟨A x, v⟩ = {one:.4g}, ⟨x, Aᵀ v⟩ = {other:.4g}: mend it"
            )


class _Product(torch.autograd.Function):
    """x ↦ A x, or Aᵀ x, whose gradient is the other one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, operator: Foreign, turned: bool) -> Tensor:
        """The product."""
        ctx.operator, ctx.turned = operator, turned
        return operator.product(x, turned=turned)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradient."""
        return _Product.apply(gradients[0], ctx.operator, not ctx.turned), None, None


def transposed(own: Any) -> bool:
    """Whether an operator brings its own transpose."""
    return hasattr(own, "A") and hasattr(own, "A_adjoint")


def called(function: Any, x: Tensor, name: str) -> Tensor:
    """What a function makes of x.

    Raises:
        OptionError: it fails, or returns no tensor.
    """
    try:
        made = function(x)
    except Exception as error:  # foreign code may raise anything
        raise OptionError(
            f"{name} failed on a tensor of shape {tuple(x.shape)} ({cause(error)}): mend it; or {SHAPE}"
        ) from error
    if not isinstance(made, Tensor):
        raise OptionError(f"{name} returned {type(made).__name__}; expected a tensor")
    return made


def lead(shape: Shape) -> Shape:
    """A shape with leading ones, four axes at least, the first of which is one."""
    return (1,) * max(1, 4 - len(shape)) + shape


def without_ones(shape: Shape) -> Shape:
    """A shape without its leading ones."""
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape
