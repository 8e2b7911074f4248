"""Non-local Bayes for correlated noise: patches of a group are samples of N(m, S), their noise of N(0, N).

    blind     N = L Lᵀ, z = L⁻¹ (y − m), E z zᵀ = V Λ Vᵀ:     x = m + L V (1 − Λ⁻¹)₊ Vᵀ z      Λ beyond noise's own edge
    guided    W = S (S + N)⁻¹, S of the last estimate:         x = m + W (y − m)

The sample covariance of k draws of white noise of n numbers has eigenvalues up to (1 + √(n/k))²; what lies below is
taken for noise.

Lebrun, Buades and Morel, 2013: https://doi.org/10.1137/120874989. The edge: Marčenko and Pastur, 1967,
https://doi.org/10.1070/SM1967v001n04ABEH001994.
"""

import torch
from torch import Tensor

from ipse.pilots._inverse import inverse


def blind(y: Tensor, N: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups of noisy patches without a guide.

    Args:
        y: the noisy patches (groups, k, n).
        N: the covariance of their noise (n, n).

    Returns:
        The estimates (groups, k, n), and what they are worth (groups, k): the same in all of a group.
    """
    k, n = y.shape[1:]
    root = torch.linalg.cholesky(N)
    mean = y.mean(1, keepdim=True)
    z = torch.linalg.solve_triangular(root, (y - mean).mT, upper=False).mT
    values, vectors = torch.linalg.eigh(z.mT @ z / max(1, k - 1))
    gain = torch.where(values > (1 + (n / k) ** 0.5) ** 2, 1 - 1 / values.clamp_min(1e-6), 0)
    W = (vectors * gain[:, None]) @ vectors.mT
    trust = 1 / (gain.square().sum(1) / n + 1 / k)
    return mean + z @ W @ root.T, trust[:, None].expand(-1, k)


def guided(y: Tensor, x: Tensor, N: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups of noisy patches with the last estimate ``x`` as guide; shapes as for ``blind``."""
    k = y.shape[1]
    centred = x - x.mean(1, keepdim=True)
    S = centred.mT @ centred / max(1, k - 1)
    W = S @ inverse(S + N)
    mean = y.mean(1, keepdim=True)
    noise = (W @ N * W).sum((1, 2)) / N.trace()
    trust = 1 / (noise + 1 / k)
    return mean + (y - mean) @ W.mT, trust[:, None].expand(-1, k)
