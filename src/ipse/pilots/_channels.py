"""u = M x, M the orthonormal DCT-II across the channels: white noise of level σ remains white noise of level σ.

For three channels the rows of M are the opponent transform: luma (1, 1, 1)/√3, (1, 0, −1)/√2, (1, −2, 1)/√6.
The first holds most of the signal, so similar patches are found in it and shared by the rest.

Dabov, Foi, Katkovnik and Egiazarian, "Color image denoising via sparse 3D collaborative filtering with
grouping constraint in luminance-chrominance space", 2007: https://doi.org/10.1109/ICIP.2007.4378954
"""

import math

import torch
from torch import Tensor


def matrix(channels: int, *, like: Tensor) -> Tensor:
    """M (C, C), on the device and in the type of ``like``."""
    place = torch.arange(channels, dtype=torch.float64)
    rows = torch.cos(math.pi / channels * torch.outer(place, place + 0.5)) * math.sqrt(2 / channels)
    rows[0] /= math.sqrt(2)
    return rows.to(like)


def decorrelate(x: Tensor) -> Tensor:
    """M x for a picture (C, H, W)."""
    return torch.einsum("ij,jhw->ihw", matrix(x.shape[0], like=x), x)


def recorrelate(u: Tensor) -> Tensor:
    """Mᵀ u: undoes `decorrelate`."""
    return torch.einsum("ji,jhw->ihw", matrix(u.shape[0], like=u), u)


def mix_variance(variance: Tensor) -> Tensor:
    """The noise variance (C, H, W) of M x if that of x is ``variance``, without the correlations that M causes."""
    return torch.einsum("ij,jhw->ihw", matrix(variance.shape[0], like=variance) ** 2, variance)
