"""Noise of a camera, correlated by demosaicing: white noise in R, G and B, blurred by a Gaussian of b pixels.

    E n(p) n(p + Δ) = σ² r(Δ),     r(Δ) = exp(−|Δ|² / 4b²),     σ²_uv = σ² (D R Dᵀ)_uu (D R Dᵀ)_vv |m|²

σ_uv is its level in the block DCT of a component, whose samples average F pixels: R_ij = E over pairs of r. |m|² is the
sum of the squared weights of R, G and B in the component.
"""

import torch
from torch import Tensor

from ipse.engine.operators.dct import SIDE


def line(blur: float, lag: int) -> Tensor:
    """r along one axis (2·lag + 1,)."""
    return torch.exp(-(torch.arange(-lag, lag + 1, dtype=torch.float64) ** 2) / (4 * blur**2))


def autocovariance(blur: float, lag: int, *, channels: int) -> Tensor:
    """r of the channels (C, C, 2·lag + 1, 2·lag + 1), independent of each other; 1 at lag 0."""
    along = line(blur, lag)
    return (torch.eye(channels)[..., None, None] * torch.outer(along, along)).float()


def levels(factor: tuple[int, int], blur: float, weight: float, dct: Tensor) -> Tensor:
    """σ_uv (8, 8), relative to a pixel's σ, of a component whose samples average ``factor`` pixels.

    ``weight`` is |m|. Without blur it is a number, and that of white noise which R, G and B share.
    """
    if not blur:
        return dct.new_tensor((factor[0] * factor[1]) ** -0.5)
    down, across = (_of_line(blur, count, dct.double().cpu()) for count in factor)
    return weight * torch.outer(down, across).sqrt().to(dct)


def _of_line(blur: float, count: int, dct: Tensor) -> Tensor:
    """The variance of each coefficient of a line of samples, which average ``count`` pixels."""
    pixels = SIDE * count
    place = torch.arange(pixels)
    pairs = line(blur, pixels)[place[:, None] - place + pixels]
    samples = pairs.reshape(SIDE, count, SIDE, count).mean((1, 3))
    return (dct @ samples @ dct.T).diagonal()
