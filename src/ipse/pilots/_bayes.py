"""Non-local Bayes: the similar patches of a group (one a row of Y) are draws of one Gaussian, N(m, S).

    Y ↦ m + (Y − m) W,     W = (S + D)⁻¹ S = I − (S + D)⁻¹ D

S is the covariance of the group's last estimate, over the pixels of all channels at once: what luma knows, chroma
need not find again. D is diagonal, the noise variance of each channel.

Lebrun, Buades and Morel, 2013: https://doi.org/10.1137/120874989
"""

import torch
from torch import Tensor

from ipse.pilots._inverse import inverse


def bayes(y: Tensor, x: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups of noisy patches with the last estimate as guide.

    Args:
        y: the noisy patches (C, groups, k, n).
        x: their last estimate.
        d: their noise energies (C, groups, k).

    Returns:
        The estimates (C, groups, k, n), and what they are worth (C, groups, k): the same in all of a group.
    """
    channels, groups, k, n = y.shape
    rows, guide = (part.permute(1, 2, 0, 3).reshape(groups, k, channels * n) for part in (y, x))
    variance = (d.mean(2) / n).T.repeat_interleave(n, 1)
    centred = guide - guide.mean(1, keepdim=True)
    covariance = centred.mT @ centred / max(1, k - 1)
    shrink = inverse(covariance + torch.diag_embed(variance)) * variance[:, None]
    mean = rows.mean(1, keepdim=True)
    centred = rows - mean
    estimate = mean + centred - centred @ shrink
    W = torch.eye(channels * n, dtype=y.dtype, device=y.device) - shrink
    trust = 1 / ((W * W).sum((1, 2)) / (channels * n) + 1 / k)
    return estimate.view(groups, k, channels, n).permute(2, 0, 1, 3), trust[:, None].expand(
        channels, groups, k
    )
