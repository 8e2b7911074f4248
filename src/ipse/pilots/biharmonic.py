"""Δ²x = 0 in the hole, x = y around it: the smoothest continuation of what is known.

Large pictures and holes are done coarse to fine by normalised convolution instead, whose time does not grow with the
hole: scikit-image solves the biharmonic equation directly, one matrix a connected hole.
Damelin and Hoang, "On surface completion and image inpainting by biharmonic functions", 2018,
https://doi.org/10.1155/2018/3950312
"""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

LARGEST = 20_000  # missing pixels in one connected hole that the direct solution takes
PIXELS = 1 << 21  # of a picture


def biharmonic(y: Tensor, known: Tensor) -> Tensor:
    """Fill the unknown pixels of a picture smoothly.

    Args:
        y: the picture (1, C, H, W); what it holds where unknown does not matter.
        known: bool (1, 1, H, W), at least one True.

    Returns:
        The picture with its known pixels as they were.
    """
    from skimage.measure import label
    from skimage.restoration import inpaint_biharmonic

    hole = ~known[0, 0].cpu().numpy()
    if not hole.any():
        return y.clone()
    sizes = torch.bincount(torch.from_numpy(label(hole, connectivity=2)).flatten())[1:]
    if int(sizes.max()) > LARGEST or hole.size > PIXELS or min(hole.shape) < 5:
        return pyramid(y, known)
    array = (y * known)[0].permute(1, 2, 0).cpu().numpy()
    filled = torch.from_numpy(inpaint_biharmonic(array, hole, channel_axis=-1, split_into_regions=True))
    return torch.where(known, y, filled.to(y).permute(2, 0, 1)[None].clamp(0, 1))


def pyramid(y: Tensor, known: Tensor) -> Tensor:
    """Fill from the average of what is known nearby: at half the size first, then what is left from there."""
    if bool(known.all()):
        return y
    weight = known.to(y.dtype)
    height, width = y.shape[-2:]
    if max(height, width) == 1:
        return y
    halves = [avg_pool2d(part, 2, ceil_mode=True, count_include_pad=False) for part in (y * weight, weight)]
    coarse = halves[0] / halves[1].clamp_min(1e-6)
    coarse = pyramid(coarse, halves[1] > 0)
    fine = interpolate(coarse, scale_factor=2.0, mode="bilinear")[..., :height, :width]
    return torch.where(known, y, fine)
