"""x ↦ b + w (x − b),  w = min(1, |y − A b| beyond rounding, around each pixel): keep detail that y supports.

If downsampling an interpolation b gives y to within rounding, y contains no evidence of further detail: flat areas,
ramps and blurred pictures stay as interpolated. Elsewhere, the detail of x is kept.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

LEVEL = 5 / 255  # misfit beyond rounding at which all detail is kept (docs/decisions/upscale.md)
EDGE = 2  # distance in pixels of y that bicubic interpolation reaches beyond the border
REACH = 3  # radius in pixels of y, since the detail of an edge is beside it


@torch.no_grad()
def supported(
    x: Tensor, base: Tensor, y: Tensor, operator: Callable[[Tensor], Tensor], *, rounding: float
) -> Tensor:
    """Keep the detail of an enlargement x (1, C, H, W) that is supported by y (1, C, h, w).

    Args:
        x: the enlargement.
        base: the interpolation of y (1, C, H, W).
        y: the measurement.
        operator: A.
        rounding: half a level of y, in its units.
    """
    misfit = ((y - operator(base)).abs() - rounding).clamp_min(0).amax(1, keepdim=True)
    for dim in (-2, -1):  # at the border, A and the interpolation extend the picture differently
        edge = min(EDGE, (y.shape[dim] - 1) // 2)
        inner = misfit.narrow(dim, edge, y.shape[dim] - 2 * edge)
        first, last = inner.narrow(dim, 0, 1), inner.narrow(dim, inner.shape[dim] - 1, 1)
        misfit = torch.cat([first] * edge + [inner] + [last] * edge, dim)
    weight = (max_pool2d(misfit, 2 * REACH + 1, 1, REACH) / LEVEL).clamp_max(1)
    return base + interpolate(weight, size=base.shape[-2:], mode="bilinear") * (x - base)
