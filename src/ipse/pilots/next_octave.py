"""|x* − b| ≤ o₁ min(1, κ o₁/o₂),  oₖ = |k-th octave of y|: what is drawn into an enlargement fades as y's own octaves do.

Spectra of pictures fall: where the finest octave o₁ of the small picture is quieter than the one below it, o₂, the one
that it lost is quieter still. So the detail that was added to the interpolation b is bounded by what is there in the
octaves below, pixel by pixel. In flat parts, in ramps and in blurred pictures interpolation is right, and stays.
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, pad

FADE = 2.0  # κ; chosen on crops of scikit-image's coffee, astronaut, rocket and chelsea: docs/decisions/upscale.md
ROUNDING = 0.75 / 255  # of the finest octave, which 8 bits make by themselves
REACH = 2  # pixels around each: an edge's detail lies beside it


@torch.no_grad()
def bounded(x: Tensor, base: Tensor, y: Tensor) -> Tensor:
    """Bound what an enlargement x (1, C, H, W) of y (1, C, h, w) adds to its interpolation ``base``."""
    first, half = _octave(y)
    second = interpolate(_octave(half)[0], scale_factor=2.0, mode="bilinear")[
        ..., : y.shape[-2], : y.shape[-1]
    ]
    loud = _around((first - ROUNDING).clamp_min(0))
    bound = loud * (FADE * loud / _around(second).clamp_min(1e-6)).clamp_max(1)
    bound = interpolate(bound, size=base.shape[-2:], mode="bilinear")
    return base + torch.minimum(torch.maximum(x - base, -bound), bound)


def _octave(y: Tensor) -> tuple[Tensor, Tensor]:
    """How loud the finest octave of a picture is, pixel by pixel, and the picture without it, half as large."""
    height, width = y.shape[-2:]
    half = avg_pool2d(pad(y, (0, width % 2, 0, height % 2), mode="replicate"), 2)
    below = interpolate(half, scale_factor=2.0, mode="bicubic")[..., :height, :width]
    return (y - below).abs(), half


def _around(octave: Tensor) -> Tensor:
    """The loudest of all channels around each pixel (1, 1, h, w)."""
    return max_pool2d(octave, 2 * REACH + 1, 1, REACH).amax(1, keepdim=True)
