"""argmin_x ‖k ∗ x − y‖² + λ ‖∇x‖₀: a picture of strong edges alone, from which a blur kernel can be told.

By half-quadratic splitting: ‖∇x‖₀ is replaced by ‖∇x − g‖² with g = ∇x where |∇x|² ≥ λ / β, 0 elsewhere, β rising. Each
x is a quotient of spectra; beyond the border of y, the last k ∗ x stands in for y.

Xu, Zheng, Jia, "Unnatural L0 sparse representation for natural image deblurring", 2013,
https://doi.org/10.1109/CVPR.2013.147
"""

from typing import cast

import torch
from torch import Tensor
from torch.fft import irfft2  # pyright: ignore[reportUnknownVariableType]  # torch.fft has no types

from ipse.pilots._canvas import Canvas, slopes, spectrum

LARGEST, GROWTH = 1e5, 2.0  # last β, and its factor; the first is 2 λ


@torch.no_grad()
def strong_edges(canvas: Canvas, weight: float) -> Tensor:
    """The canvas (1, C, H, W); ``weight`` is λ."""
    down, across = slopes(canvas.size, canvas.y)
    rough, power = down.abs().square() + across.abs().square(), canvas.spectrum.abs().square()
    adjoint, seen = canvas.spectrum.conj(), canvas.wrapped()
    x, measured, beta = seen, spectrum(seen), 2 * weight
    while beta < LARGEST:
        a, b = x.roll(-1, 2) - x, x.roll(-1, 3) - x
        strong = a.square() + b.square() >= weight / beta
        a, b = a * strong, b * strong
        wanted = a.roll(1, 2) - a + b.roll(1, 3) - b
        quotient = (adjoint * measured + beta * spectrum(wanted)) / (power + beta * rough)
        x = cast(Tensor, irfft2(quotient, s=canvas.size))
        beyond = canvas.blurred(x).clamp(0, 1)
        measured = spectrum(torch.where(canvas.inside > 0, seen, beyond))
        beta *= GROWTH
    return x
