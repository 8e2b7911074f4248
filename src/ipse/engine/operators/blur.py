"""Blur: y(p) = Σ_q k(q) x(p + c − q), the convolution with a point spread function k whose centre is c.

Small kernels are convolved directly, large ones by the Fourier transform: ŷ = k̂ x̂ on the padded picture.
"""

from typing import Literal, cast

import torch
from torch import Tensor
from torch.fft import irfft2, rfft2  # pyright: ignore[reportUnknownVariableType]  # torch.fft has no types
from torch.nn import functional as F

from ipse.engine.operators.operator import Operator
from ipse.errors import OptionError

Boundary = Literal["replicate", "reflect", "circular"]
DIRECT = 49  # taps above which the transform is faster on a CPU


class Blur(Operator):
    """x (B, C, H, W) → x blurred by ``psf`` (K, L), of the same shape; every channel by the same kernel.

    The psf is not normalised: a sum of 1 keeps the brightness. Its centre is (⌊K/2⌋, ⌊L/2⌋), so that a
    delta there is the identity. ``boundary`` says what lies beyond the border: its last pixel (replicate),
    the picture mirrored about it (reflect), or the opposite side (circular). Raises OptionError.
    """

    psf: Tensor

    def __init__(self, psf: Tensor, *, boundary: Boundary = "replicate") -> None:
        super().__init__()
        if psf.ndim != 2 or psf.numel() == 0 or not bool(psf.isfinite().all()):
            raise OptionError(f"psf has shape {tuple(psf.shape)}; expected finite values of shape (K, L)")
        if boundary not in ("replicate", "reflect", "circular"):
            raise OptionError(f"boundary is {boundary!r}; expected replicate, reflect or circular")
        self.boundary = boundary
        self.register_buffer("psf", psf.detach().clone().to(torch.get_default_dtype()))

    def forward(self, x: Tensor) -> Tensor:
        """Blur x (B, C, H, W)."""
        psf = self.psf.to(x.dtype)
        x = self._extended(self._extended(x, 2), 3)
        return direct(x, psf) if psf.numel() <= DIRECT else transformed(x, psf)

    def _extended(self, x: Tensor, axis: int) -> Tensor:
        """X with what lies beyond its border along ``axis``, as far as the psf reaches."""
        size, reach = x.shape[axis], self.psf.shape[axis - 2]
        if reach == 1:
            return x
        after = reach // 2
        at = torch.arange(after + 1 - reach, size + after, device=x.device)
        if self.boundary == "circular":
            at = at.remainder(size)
        elif self.boundary == "reflect" and size > 1:
            at = at.remainder(2 * size - 2)
            at = torch.minimum(at, 2 * size - 2 - at)
        return x.index_select(axis, at.clamp(0, size - 1))


def direct(x: Tensor, psf: Tensor) -> Tensor:
    """The part of psf ∗ x, x (B, C, H + K − 1, W + L − 1), that depends only on x: (B, C, H, W)."""
    batch, channels, height, width = x.shape
    y = F.conv2d(x.reshape(batch * channels, 1, height, width), psf.flip(0, 1)[None, None])
    return y.reshape(batch, channels, *y.shape[2:])


def transformed(x: Tensor, psf: Tensor) -> Tensor:
    """The same as ``direct``, by the Fourier transform; its wrapped-around rows and columns are cut off."""
    size = x.shape[-2:]
    spectrum = cast(Tensor, rfft2(x)) * cast(Tensor, rfft2(psf, s=size))
    y = cast(Tensor, irfft2(spectrum, s=size))
    return y[..., psf.shape[0] - 1 :, psf.shape[1] - 1 :]
