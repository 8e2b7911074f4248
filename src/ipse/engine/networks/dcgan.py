"""The generator of the DCGAN as a decoder: its upsampling is learnt, which the other decoders avoid.

    x ← act( norm( K ∗ z ) )      x ← act( norm( K ∗↑ x ) ), a doubling each      f(z) = σ( K ∗↑ x )

∗↑ is a 4×4 deconvolution of stride 2, or fixed upsampling followed by a 3×3 convolution. One pixel of the latent covers
2^scales pixels a side of the picture, so that any size is possible; the latent of a GAN is a vector for one size.

A. Radford, L. Metz, S. Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", ICLR 2016, https://arxiv.org/abs/1511.06434
"""

from typing import Literal

from torch import Tensor, nn

from ipse.engine.networks.blocks import Network, activation, at_least, chosen, conv, doubling

Rise = Literal["deconv", "bilinear", "nearest"]


def rise(cin: int, cout: int, how: Rise, *, bias: bool) -> list[nn.Module]:
    """Twice the size, from cin to cout channels."""
    if chosen("upsampling", how, {"deconv": True, "bilinear": False, "nearest": False}):
        return [nn.ConvTranspose2d(cin, cout, 4, stride=2, padding=1, bias=bias)]
    return [doubling("nearest" if how == "nearest" else "bilinear"), conv(cin, cout, 3, bias=bias)]


class DCGAN(Network):
    """A convolution at the latent's size, and ``scales`` doublings, the last to the picture's channels."""

    def __init__(self, cin: int, cout: int, width: int, scales: int, how: Rise, *, sigmoid: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(cin, width, 3, bias=False)]
        for _ in range(scales - 1):
            layers += [nn.BatchNorm2d(width), activation("leaky_relu"), *rise(width, width, how, bias=False)]
        layers += [nn.BatchNorm2d(width), activation("leaky_relu"), *rise(width, cout, how, bias=True)]
        self.layers = nn.Sequential(*layers, nn.Sigmoid() if sigmoid else nn.Identity())
        self.stride = self.latent_stride = 2**scales
        self.min_size = 2 * self.stride  # normalisation needs more than one of the latent's pixels

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H / stride, W / stride) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        return self.layers(z)


def dcgan(
    in_channels: int,
    out_channels: int,
    *,
    width: int = 128,
    scales: int = 4,
    upsampling: Rise = "deconv",
    sigmoid: bool = True,
) -> Network:
    """The decoder of ``width`` channels at every scale.

    Raises OptionError. https://arxiv.org/abs/1511.06434
    """
    at_least("width", width, 1)
    at_least("scales", scales, 1)
    return DCGAN(in_channels, out_channels, width, scales, upsampling, sigmoid=sigmoid)
