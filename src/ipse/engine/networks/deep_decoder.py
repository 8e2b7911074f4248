"""The Deep Decoder: 1×1 convolutions only, so that the fixed upsampling alone is the prior.

    B₀ = z      B_{i+1} = norm( relu( up( C_i B_i ) ) )      f(z) = σ( C B )

C_i mixes the channels of one pixel; up is bilinear, and left out once, at the full size. The latent has one pixel where
the picture has 2^scales a side.

R. Heckel, P. Hand, "Deep Decoder", ICLR 2019, https://arxiv.org/abs/1810.03982
"""

from torch import Tensor, nn

from ipse.engine.networks.blocks import Network, Upsampling, at_least, conv, doubling


class DeepDecoder(Network):
    """``scales`` doublings, one layer at the full size, and the picture's channels.

    ``doubled_first`` puts the doubling before the convolution of its layer, ``kernel`` pixels a side.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        width: int,
        scales: int,
        up: Upsampling,
        *,
        sigmoid: bool,
        kernel: int = 1,
        doubled_first: bool = False,
    ) -> None:
        super().__init__()
        cin, cout = channels
        layers: list[nn.Module] = [
            nn.InstanceNorm2d(cin)
        ]  # makes the result independent of the latent's scale
        for i in range(scales + 1):
            mixed, doubled = (
                [conv(width if i else cin, width, kernel, bias=False)],
                [doubling(up)][: scales - i],
            )
            layers += [*doubled, *mixed] if doubled_first else [*mixed, *doubled]
            layers += [nn.ReLU(), nn.BatchNorm2d(width)]
        layers += [conv(width, cout, 1), nn.Sigmoid() if sigmoid else nn.Identity()]
        self.layers = nn.Sequential(*layers)
        self.stride = self.latent_stride = 2**scales
        self.min_size = 2 * self.stride

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H / stride, W / stride) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        return self.layers(z)


def deep_decoder(
    in_channels: int,
    out_channels: int,
    *,
    width: int = 128,
    scales: int = 5,
    upsampling: Upsampling = "bilinear",
    sigmoid: bool = True,
) -> Network:
    """The Deep Decoder of ``width`` channels; the fewer, the more it compresses, and no step need be the last.

    Raises OptionError. https://arxiv.org/abs/1810.03982
    """
    at_least("width", width, 1)
    at_least("scales", scales, 1)
    return DeepDecoder((in_channels, out_channels), width, scales, upsampling, sigmoid=sigmoid)
