"""The generator of the texture networks: features of the latent at every scale, combined from coarse to fine.

    x_S = three( z ↓ 2^S )      x_i = three( norm( up x_{i+1} ) ⊕ norm( three( z ↓ 2^i ) ) )      f(z) = σ( C x_0 )

``three`` is three convolutions (3×3, 3×3, 1×1), each with normalisation and activation; ↓ is the mean of blocks. Every
scale adds ``width`` channels to those that come from below.

D. Ulyanov, V. Lebedev, A. Vedaldi, V. Lempitsky, "Texture Networks", ICML 2016, https://arxiv.org/abs/1603.03417
"""

from torch import Tensor, nn
from torch.nn import functional as F

from ipse.engine.networks.blocks import (
    Network,
    Padding,
    Upsampling,
    activation,
    at_least,
    concatenated,
    conv,
    doubling,
)


def three(cin: int, cout: int, padding: Padding) -> nn.Sequential:
    """Three convolutions (B, cin, H, W) → (B, cout, H, W)."""
    layers: list[nn.Module] = []
    for i, kernel in enumerate((3, 3, 1)):
        layers.append(conv(cout if i else cin, cout, kernel, padding=padding))
        layers += [nn.BatchNorm2d(cout), activation("leaky_relu")]
    return nn.Sequential(*layers)


class Join(nn.Module):
    """One scale: what comes from below, doubled, beside the latent's own features."""

    def __init__(self, below: int, width: int, how: Upsampling, padding: Padding) -> None:
        super().__init__()
        self.up = nn.Sequential(doubling(how), nn.BatchNorm2d(below))
        self.norm = nn.BatchNorm2d(width)
        self.convolve = three(below + width, below + width, padding)

    def forward(self, deep: Tensor, own: Tensor) -> Tensor:
        """deep (B, below, H, W), own (B, width, 2H, 2W) → (B, below + width, 2H, 2W)."""
        return self.convolve(concatenated(self.up(deep), self.norm(own)))


class Texture(Network):
    """``scales`` sizes of the latent, the finest its own."""

    def __init__(
        self,
        channels: tuple[int, int],
        width: int,
        scales: int,
        how: Upsampling,
        padding: Padding,
        *,
        sigmoid: bool,
    ) -> None:
        super().__init__()
        cin, cout = channels
        self.own = nn.ModuleList(three(cin, width, padding) for _ in range(scales))  # coarsest first
        self.joins = nn.ModuleList(Join(i * width, width, how, padding) for i in range(1, scales))
        self.head = conv(scales * width, cout, 1)
        self.squash = nn.Sigmoid() if sigmoid else nn.Identity()
        self.stride = 2 ** (scales - 1)
        self.min_size = 2 * self.stride  # normalisation, and a reflection, need more than one coarsest pixel

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H, W) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        ratio = self.stride
        x = self.own[0](F.avg_pool2d(z, ratio))
        for own, join in zip(self.own[1:], self.joins, strict=True):
            ratio //= 2
            x = join(x, own(F.avg_pool2d(z, ratio)))
        return self.squash(self.head(x))


def texture(
    in_channels: int,
    out_channels: int,
    *,
    width: int = 8,
    scales: int = 6,
    upsampling: Upsampling = "nearest",
    padding: Padding = "zero",
    sigmoid: bool = True,
) -> Network:
    """The generator with ``width`` channels a scale; ``padding`` is that of every convolution.

    Raises OptionError. https://arxiv.org/abs/1603.03417
    """
    at_least("width", width, 1)
    at_least("scales", scales, 1)
    return Texture((in_channels, out_channels), width, scales, upsampling, padding, sigmoid=sigmoid)
