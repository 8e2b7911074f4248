"""The unevenness of a residual y − x*: noise is equally strong everywhere, while lost detail is local.

    unevenness = std over blocks of the mean over channels of log |DCT (y − x*)|²

For a constant noise level (``Measured.stabilised``) it is about 0.2 to 0.5 for noise, and larger if the residual
contains texture.
"""

from torch import Tensor

from ipse.noise.blocks import VARYING, Blocks


def unevenness(residual: Tensor, *, clipped: Tensor | None = None) -> float:
    """The unevenness of a residual (C, H, W); ``clipped`` (C, H, W) marks black and white samples."""
    blocks = Blocks.of(residual, clipped=clipped)
    energy = blocks.coefficients.square()[..., VARYING].mean(-1)
    return float(energy.clamp_min(1e-12).log().mean(0)[blocks.free].std())
