"""The patches of a group (rows of Y) are samples of one Gaussian N(m, S), each with noise N(0, Dᵢ) of its own:

    E[xᵢ | yᵢ] = m + S (S + Dᵢ)⁻¹ (yᵢ − m) = m + S w (w S w + 1)⁻¹ w (yᵢ − m),     w = Dᵢ^(−½)

m and S are those of the group's last estimate. A pixel that is missing has endless noise, w = 0; what a patch does
know tells what it does not, by how the group's pixels go together. Rows differ in w, so that no inverse serves a group:
conjugate gradients solve all rows at once, each step one product with S.

Aguerrebere, Almansa, Delon, Gousseau and Musé, "A Bayesian hyperprior approach for joint image denoising and
interpolation, with an application to HDR imaging", 2017: https://doi.org/10.1109/TCI.2017.2704439
Hestenes and Stiefel, "Methods of conjugate gradients for solving linear systems", 1952:
https://doi.org/10.6028/jres.049.044
"""

import torch
from torch import Tensor

STEPS = (
    6  # number of steps of conjugate gradients; more change nothing (measured: docs/decisions/inpainting.md)
)
TINY = 1e-20


def conditional(y: Tensor, x: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups of patches whose noise differs from pixel to pixel, with the last estimate as guide.

    Args:
        y: the noisy patches (groups, k, n).
        x: their last estimate.
        d: their noise variances; very large where nothing is known.

    Returns:
        The estimates (groups, k, n), and what they are worth (groups, k): the same everywhere.
    """
    mean = x.mean(1, keepdim=True)
    centred = x - mean
    S = centred.mT @ centred / max(1, x.shape[1] - 1)
    w = d.rsqrt()
    residual = w * (y - mean)
    solution, direction = torch.zeros_like(residual), residual.clone()
    energy = (residual * residual).sum(-1, keepdim=True)
    for _ in range(STEPS):
        image = w * ((w * direction) @ S) + direction
        length = energy / ((direction * image).sum(-1, keepdim=True) + TINY)
        solution += length * direction
        residual -= length * image
        left = (residual * residual).sum(-1, keepdim=True)
        direction = residual + left / (energy + TINY) * direction
        energy = left
    return mean + (w * solution) @ S, torch.ones(y.shape[:2], dtype=y.dtype, device=y.device)
