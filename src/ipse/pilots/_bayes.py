"""Non-local Bayes: the similar patches of a group (rows of Y) are samples of one Gaussian, N(m, S).

    Y ↦ m + (Y − m) W,     W = (S + D)⁻¹ S = I − (S + D)⁻¹ D

S is the covariance of the group's last estimate, over the pixels of all channels at once: what luma knows, chroma
need not find again. D is diagonal, the noise variance of each channel.

Lebrun, Buades and Morel, 2013: https://doi.org/10.1137/120874989
"""

from torch import Tensor

from ipse.pilots._inverse import inverse, raised


def bayes(y: Tensor, x: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups of noisy patches with the last estimate as guide.

    Args:
        y: the noisy patches (groups, k, n·C).
        x: their last estimate.
        d: their noise energies (groups, k, C).

    Returns:
        The estimates (groups, k, n·C), and what they are worth (groups, k): the same in all of a group.
    """
    k, n = y.shape[1], y.shape[2] // d.shape[2]
    variance = (d.mean(1) / n).repeat(1, n)  # the channels of a pixel are adjacent
    centred = x - x.mean(1, keepdim=True)
    covariance = (centred.mT @ centred).div_(max(1, k - 1))
    W = inverse(raised(covariance, variance)).mul_(-variance[:, None])
    W.diagonal(dim1=1, dim2=2).add_(1)
    mean = y.mean(1, keepdim=True)
    estimate = ((y - mean) @ W).add_(mean)
    trust = 1 / ((W * W).sum((1, 2)) / y.shape[2] + 1 / k)
    return estimate, trust[:, None].expand(-1, k)
