"""NL-Ridge: a group of similar patches Y (k patches × n pixels) is estimated by combinations of them, Θ Y.

    blind    Θ = I − D (Y Yᵀ)⁻¹                      the unbiased estimate of the risk's minimiser
    ridge    Θ = I − D (X̃ X̃ᵀ + D)⁻¹                   the minimiser itself, an estimate X̃ in the truth's place

D is diagonal: the noise energy of each patch (nσ² for white noise). The group's mean is taken out of X̃ before and
put back after: it is as good as free of noise, and would otherwise swallow the precision of float32.

Herbreteau and Kervrann, 2022: https://arxiv.org/abs/2203.00570
"""

import torch
from torch import Tensor

from ipse.pilots._inverse import inverse


def blind(y: Tensor, d: Tensor, *, surplus: float) -> tuple[Tensor, Tensor]:
    """Estimate groups without a guide, the channels together, so that Θ rests on more samples.

    Args:
        y: groups of noisy patches (C, groups, k, n).
        d: their noise energies (C, groups, k).
        surplus: of D, added to Y Yᵀ.

    Returns:
        The estimates (C, groups, k, n), and what they are worth (C, groups, k).
    """
    centred = y - y.mean(2, keepdim=True)
    joint = d.sum(0, keepdim=True)
    gram = (centred @ centred.mT).sum(0, keepdim=True) + torch.diag_embed(surplus * joint)
    return _combined(y, gram, joint)


def ridge(y: Tensor, x: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups with the last estimate ``x`` as guide, the channels one by one: chroma is shrunk much harder.

    Shapes as for ``blind``.
    """
    centred = x - x.mean(2, keepdim=True)
    return _combined(y, centred @ centred.mT + torch.diag_embed(d), d)


def _combined(y: Tensor, gram: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    k = y.shape[2]
    theta = torch.eye(k, dtype=y.dtype, device=y.device) - d[..., None] * inverse(gram)
    theta = theta - theta.mean(-1, keepdim=True) + 1 / k
    trust = 1 / (theta * theta).sum(-1).clamp(min=1 / k**2)
    return theta @ y, trust.expand(y.shape[:3])
