"""The ConvDecoder: a Deep Decoder with 3×3 convolutions, which can also draw what is not smooth.

    B₀ = z      B_{i+1} = norm( relu( K_i ∗ up( B_i ) ) )      f(z) = σ( C B )

up is nearest, and left out once, at the full size. The latent has one pixel where the picture has 2^scales a side.

M. Z. Darestani, R. Heckel, "Accelerated MRI with Un-trained Neural Networks", IEEE TCI 2021,
https://arxiv.org/abs/2007.02471
"""

from torch import Tensor, nn

from ipse.networks.blocks import Network, Upsampling, at_least, conv, doubling


class ConvDecoder(Network):
    """``scales`` doublings, one layer at the full size, and the picture's channels."""

    def __init__(
        self, cin: int, cout: int, width: int, scales: int, up: Upsampling, *, sigmoid: bool
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.InstanceNorm2d(cin)]  # so that the scale of the latent does not matter
        for i in range(scales + 1):
            layers += [doubling(up)] if i < scales else []
            layers.append(conv(width if i else cin, width, 3, bias=False))
            layers += [nn.ReLU(), nn.BatchNorm2d(width)]
        layers += [conv(width, cout, 1), nn.Sigmoid() if sigmoid else nn.Identity()]
        self.layers = nn.Sequential(*layers)
        self.stride = self.latent_stride = 2**scales
        self.min_size = 2 * self.stride

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H / stride, W / stride) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        return self.layers(z)


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
    return ConvDecoder(in_channels, out_channels, width, scales, upsampling, sigmoid=sigmoid)
