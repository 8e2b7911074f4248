"""The ConvDecoder: a Deep Decoder with 3×3 convolutions, which can also generate pictures that are not smooth.

    B₀ = z      B_{i+1} = norm( relu( K_i ∗ up( B_i ) ) )      f(z) = σ( C B )

up is nearest, and left out once, at the full size. The latent has one pixel where the picture has 2^scales a side.

M. Z. Darestani, R. Heckel, "Accelerated MRI with Un-trained Neural Networks", IEEE TCI 2021,
https://arxiv.org/abs/2007.02471
"""

from ipse.engine.networks.blocks import Network, Upsampling, at_least
from ipse.engine.networks.deep_decoder import DeepDecoder


def conv_decoder(
    in_channels: int,
    out_channels: int,
    *,
    width: int = 64,
    scales: int = 5,
    upsampling: Upsampling = "nearest",
    sigmoid: bool = True,
) -> Network:
    """The ConvDecoder of ``width`` channels.

    Raises OptionError. https://arxiv.org/abs/2007.02471
    """
    at_least("width", width, 1)
    at_least("scales", scales, 1)
    channels = in_channels, out_channels
    return DeepDecoder(channels, width, scales, upsampling, sigmoid=sigmoid, kernel=3, doubled_first=True)
