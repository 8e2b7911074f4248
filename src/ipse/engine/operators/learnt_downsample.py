"""A down-sampling whose kernel is fitted with the picture: A_k x = (k ∗ x) ↓ f,

    k = k₀ + m (p − p̄),     m = max k₀, p̄ the mean of p

k₀ is the kernel of ``Downsample``, and p, initially zero, is learnt. So the operator starts as ``Downsample``, changes
of its taps are relative to the largest tap, and constants are preserved. k may become non-separable.

A kernel cannot be determined from one small picture alone, and learning it then degrades the result (measured:
docs/decisions/models.md). A part of the picture, or all of it, must be known at full resolution.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from ipse.engine.operators.downsample import Downsample, Kernel
from ipse.engine.operators.operator import Operator


class LearntDownsample(Operator):
    """x (B, C, H, W) → y (B, C, ⌈H/f⌉, ⌈W/f⌉), f = ``factor``, by one kernel for all channels that a fit may change.

    Give it to a problem as its operator and as its ``learnt`` module: ``Problem(prior, LeastSquares(y, A), learnt=A)``.

    Args:
        factor: f, from 2 to 8.
        kernel: k₀, and with it the number of taps.

    Raises OptionError. The paper's code calls it optimising over "down": https://arxiv.org/abs/1711.10925
    """

    start: Tensor

    def __init__(self, factor: int, *, kernel: Kernel = "lanczos2") -> None:
        super().__init__()
        self.factor = factor
        self.fixed = Downsample(factor, kernel=kernel)
        self.register_buffer("start", self.fixed.kernel.float())
        self.moved = nn.Parameter(torch.zeros_like(self.start))

    @property
    def kernel(self) -> Tensor:
        """k (K, K), of sum 1, as it is now."""
        return self.start + self.start.max() * (self.moved - self.moved.mean())

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W)."""
        k = self.kernel.to(x.dtype).expand(x.shape[1], 1, -1, -1)
        rows, columns = (self.places(length, x.device) for length in x.shape[-2:])
        return conv2d(x[..., rows, :][..., columns], k, stride=self.factor, groups=x.shape[1])

    def places(self, size: int, device: torch.device) -> Tensor:
        """The rows (or columns) that the kernel passes over, those beyond the border folded into it."""
        first = self.fixed.first_place()
        last = first + (self.fixed.measured(size) - 1) * self.factor + len(self.start)
        return self.fixed.folded(torch.arange(first, last, device=device), size)
