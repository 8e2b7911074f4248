"""NL-Ridge: a group of similar patches Y (k patches × n pixels) is estimated by combinations of them, Θ Y.

    blind    Θ = I − D (Y Yᵀ)⁻¹                      the unbiased estimate of the risk's minimiser
    ridge    Θ = I − D (X̃ X̃ᵀ + D)⁻¹                   the minimiser itself, an estimate X̃ in the truth's place

D is diagonal: the noise energy of each patch (nσ² for white noise). The group's mean is taken out of X̃ before and
put back after: it is as good as free of noise, and would otherwise swallow the precision of float32.

Herbreteau and Kervrann, 2022: https://arxiv.org/abs/2203.00570
"""

from torch import Tensor

from ipse.pilots._inverse import inverse, raised


def blind(y: Tensor, d: Tensor, *, surplus: float) -> tuple[Tensor, Tensor]:
    """Estimate groups without a guide, with all channels together, so that Θ is computed from more samples.

    Args:
        y: groups of noisy patches (groups, k, n·C).
        d: their noise energies (groups, k, C).
        surplus: of D, added to Y Yᵀ.

    Returns:
        The estimates (groups, k, n·C), and what they are worth (groups, k).
    """
    centred = y - y.mean(1, keepdim=True)
    joint = d.sum(2)
    return _combined(y, raised(centred @ centred.mT, surplus * joint), joint)


def ridge(y: Tensor, x: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Estimate groups with the last estimate ``x`` as guide; shapes as for ``blind``.

    Called with one channel at a time, since chroma is shrunk much harder.
    """
    centred = x - x.mean(1, keepdim=True)
    joint = d.sum(2)
    return _combined(y, raised(centred @ centred.mT, joint), joint)


def _combined(y: Tensor, gram: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    k = y.shape[1]
    theta = inverse(gram).mul_(d[..., None]).neg_()
    theta.diagonal(dim1=1, dim2=2).add_(1)
    theta += 1 / k - theta.mean(2, keepdim=True)
    trust = 1 / (theta * theta).sum(2).clamp(min=1 / k**2)
    return theta @ y, trust
