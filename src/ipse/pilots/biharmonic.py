"""Δ²x = 0 in the hole, x = y around it: the smoothest continuation of what is known.

scikit-image solves this directly. A picture with many missing pixels is solved in overlapping tiles, since a pixel
hardly depends on pixels far away. Holes deeper than the overlap, and pictures with so many missing pixels that this
would take too long, are filled by normalised convolution from coarse to fine.

Damelin and Hoang, "On surface completion and image inpainting by biharmonic functions", 2018,
https://doi.org/10.1155/2018/3950312
Knutsson and Westin, "Normalized and differential convolution", 1993, https://doi.org/10.1109/CVPR.1993.341081
"""

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

AT_ONCE = 50_000  # missing pixels, solved as one system
AT_ALL = 400_000  # missing pixels, solved as systems at all: a few seconds
TILE = 192  # pixels a side
OVERLAP = 24  # pixels
LEAST = 5  # pixels a side, as wide as Δ² is


def biharmonic(y: Tensor, known: Tensor) -> Tensor:
    """Fill the unknown pixels of a picture smoothly.

    Args:
        y: the picture (1, C, H, W); what it holds where unknown does not matter.
        known: bool (1, 1, H, W), at least one True.

    Returns:
        The picture with its known pixels as they were, and what was filled within their range.
    """
    hole = ~known[0, 0].cpu().numpy()
    missing = int(hole.sum())
    if missing == 0:
        return y.clone()
    if missing > AT_ALL or min(hole.shape) < LEAST:
        return pyramid(y, known)
    pixels = torch.where(known, y, 0.0)[0].permute(1, 2, 0).cpu().numpy().astype(np.float64)
    if missing > AT_ONCE:
        hole = _shallow(y, known, hole, pixels)
        _solve_tiles(pixels, hole)
    else:
        pixels = _solve(pixels, hole)
    inside = y[known.expand_as(y)]
    filled = torch.as_tensor(pixels).to(y).permute(2, 0, 1)[None]
    return torch.where(known, y, filled.clamp(float(inside.min()), float(inside.max())))


def _solve(pixels: NDArray[Any], hole: NDArray[np.bool_]) -> NDArray[Any]:
    """Pixels (H, W, C) with the hole filled."""
    from skimage.restoration import inpaint_biharmonic  # pyright: ignore[reportUnknownVariableType]

    return cast(NDArray[Any], inpaint_biharmonic(pixels, hole, channel_axis=-1, split_into_regions=False))


def _shallow(y: Tensor, known: Tensor, hole: NDArray[np.bool_], pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Fill, in ``pixels``, what lies too deep in a hole to be seen from a tile; return the rest."""
    from scipy.ndimage import (  # pyright: ignore[reportMissingTypeStubs]
        distance_transform_edt,  # pyright: ignore[reportUnknownVariableType]
    )

    deep = np.asarray(distance_transform_edt(hole)) > OVERLAP // 2
    if deep.any():
        pixels[deep] = pyramid(y, known)[0].permute(1, 2, 0).cpu().numpy()[deep]
    return hole & ~deep


def _solve_tiles(pixels: NDArray[Any], hole: NDArray[np.bool_]) -> None:
    """Fill the hole of ``pixels`` in place; a tile sees its neighbours as they were given."""
    given = pixels.copy()
    height, width = hole.shape
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            y0, x0 = max(0, top - OVERLAP), max(0, left - OVERLAP)
            seen = slice(y0, top + TILE + OVERLAP), slice(x0, left + TILE + OVERLAP)
            if not hole[seen].any():
                continue
            filled = _solve(given[seen], hole[seen])
            here = slice(top, top + TILE), slice(left, left + TILE)
            pixels[here] = filled[top - y0 : top - y0 + TILE, left - x0 : left - x0 + TILE]


def pyramid(y: Tensor, known: Tensor) -> Tensor:
    """Fill from the average of what is known nearby: at half the size first, then what is left from there."""
    if bool(known.all()):
        return y
    weight = known.to(y.dtype)
    height, width = y.shape[-2:]
    if max(height, width) == 1:
        return y
    seen = torch.where(known, y, 0.0)
    halves = [avg_pool2d(part, 2, ceil_mode=True, count_include_pad=False) for part in (seen, weight)]
    coarse = halves[0] / halves[1].clamp_min(1e-6)
    coarse = pyramid(coarse, halves[1] > 0)
    fine = interpolate(coarse, scale_factor=2.0, mode="bilinear")[..., :height, :width]
    return torch.where(known, y, fine)
