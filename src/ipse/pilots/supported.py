"""x ↦ b + w (x − b),  w = min(1, |y − A b| beyond rounding, around each pixel): detail that the measurement asks for.

Where an interpolation b measures y as it was stored, to within its rounding, nothing in y says that detail is missing:
flat parts, ramps and blurred pictures stay as interpolated. Where it does not, what was drawn is kept.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

LEVEL = 5 / 255  # of misfit beyond rounding, at which all detail is kept: docs/decisions/upscale.md
EDGE = 2  # pixels of y, as far as bicubic interpolation sees beyond the border
REACH = 3  # pixels of y around each: an edge's detail lies beside it


@torch.no_grad()
def supported(
    x: Tensor, base: Tensor, y: Tensor, operator: Callable[[Tensor], Tensor], *, rounding: float
) -> Tensor:
    """Keep of an enlargement x (1, C, H, W) of y (1, C, h, w) what is supported by y.

    Args:
        x: what was drawn.
        base: the interpolation of y (1, C, H, W).
        y: the measurement.
        operator: A.
        rounding: half a level of y, in its units.
    """
    misfit = ((y - operator(base)).abs() - rounding).clamp_min(0).amax(1, keepdim=True)
    for dim in (-2, -1):  # at the border it is how A and the interpolation continue the picture that misfits
        edge = min(EDGE, (y.shape[dim] - 1) // 2)
        inner = misfit.narrow(dim, edge, y.shape[dim] - 2 * edge)
        first, last = inner.narrow(dim, 0, 1), inner.narrow(dim, inner.shape[dim] - 1, 1)
        misfit = torch.cat([first] * edge + [inner] + [last] * edge, dim)
    weight = (max_pool2d(misfit, 2 * REACH + 1, 1, REACH) / LEVEL).clamp_max(1)
    return base + interpolate(weight, size=base.shape[-2:], mode="bilinear") * (x - base)
