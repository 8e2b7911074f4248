"""How even a residual y − x* is: noise is as strong everywhere, what was lost of the picture lies where the picture is.

    unevenness = std over blocks of the mean over channels of log |DCT (y − x*)|²

On the scale where noise has one level (``Measured.stabilised``) it is about 0.2 to 0.5 for noise, and beyond that where
texture went with it.
"""

from torch import Tensor

from ipse.noise.blocks import VARYING, Blocks


def unevenness(residual: Tensor, *, clipped: Tensor | None = None) -> float:
    """The unevenness of a residual (C, H, W); ``clipped`` (C, H, W) says where the picture is at black or white."""
    blocks = Blocks.of(residual, clipped=clipped)
    energy = blocks.coefficients.square()[..., VARYING].mean(-1)
    return float(energy.clamp_min(1e-12).log().mean(0)[blocks.free].std())
