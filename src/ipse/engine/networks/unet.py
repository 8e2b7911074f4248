"""The U-net of the paper's comparison.

    e_0 = pair(z)    e_i = pair( maxpool(e_{i−1}) )    d_i = pair( up(d_{i+1}) ⊕ e_i )    f(z) = σ( K ∗ d_0 )

With ``concat_x`` the downsampled latent is concatenated to the encoder's features at every scale.

O. Ronneberger, P. Fischer, T. Brox, "U-Net", MICCAI 2015, https://arxiv.org/abs/1505.04597
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from ipse.engine.networks.blocks import (
    Network,
    Norm,
    Padding,
    at_least,
    chosen,
    concatenated,
    conv,
    cropped,
    doubling,
    norm,
)
from ipse.errors import OptionError

CHANNELS = (64, 128, 256, 512, 1024)


@dataclass(frozen=True)
class Style:
    """What all scales share."""

    norm: Norm
    upsampling: Literal["deconv", "bilinear", "nearest"]
    padding: Padding
    bias: bool

    def pair(self, cin: int, cout: int, kind: Norm) -> nn.Sequential:
        """Twice: 3×3 convolution, normalisation (without learnt scale, save batch norm's), ReLU."""
        layers: list[nn.Module] = []
        for channels in (cin, cout):
            layers.append(conv(channels, cout, 3, bias=self.bias, padding=self.padding))
            layers += [norm(kind, cout, affine=False), nn.ReLU()]
        return nn.Sequential(*layers)

    def rise(self, cin: int, cout: int) -> nn.Module:
        """Twice the size, from cin to cout channels: learnt 4×4 deconvolution, or fixed and then a 3×3."""
        if self.upsampling == "deconv":
            return nn.ConvTranspose2d(cin, cout, 4, stride=2, padding=1)
        up = chosen(
            "upsampling", self.upsampling, {"bilinear": doubling, "nearest": doubling, "deconv": doubling}
        )
        return nn.Sequential(up(self.upsampling), conv(cin, cout, 3, bias=self.bias, padding=self.padding))


class Up(nn.Module):
    """One decoder scale: (B, cin, H, W) and its encoder's (B, cout, 2H, 2W) → (B, cout, 2H, 2W)."""

    def __init__(self, cin: int, cout: int, style: Style) -> None:
        super().__init__()
        self.up = style.rise(cin, cout)
        self.convolve = style.pair(2 * cout, cout, "none")

    def forward(self, deep: Tensor, encoded: Tensor) -> Tensor:
        """Rise, join the encoder's features (cropped where the size was odd), convolve twice."""
        risen = self.up(deep)
        return self.convolve(concatenated(risen, cropped(encoded, *risen.shape[2:])))


class UNet(Network):
    """Five scales, and ``extra`` more at the width of the deepest."""

    def __init__(
        self,
        cin: int,
        cout: int,
        widths: list[int],
        extra: int,
        style: Style,
        *,
        concat_x: bool,
        sigmoid: bool,
    ) -> None:
        super().__init__()
        joined = cin if concat_x else 0
        deep = widths + widths[-1:] * extra
        self.concat_x = concat_x
        self.start = style.pair(cin, deep[0] - joined, style.norm)
        self.downs = nn.ModuleList(style.pair(a, b - joined, style.norm) for a, b in pairwise(deep))
        # The paper's code registers the extra scales finest first, then the others coarsest first.
        order = [*range(len(widths) - 1, len(deep) - 1), *reversed(range(len(widths) - 1))]
        self.ups = nn.ModuleDict({str(i): Up(deep[i + 1], deep[i], style) for i in order})
        self.head = conv(deep[0], cout, 1, bias=style.bias)
        self.squash = nn.Sigmoid() if sigmoid else nn.Identity()
        self.stride = 2 ** (len(deep) - 1)
        single_pixel = style.norm == "none" and style.padding == "zero"
        self.min_size = self.stride * (1 if single_pixel else 2)

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H, W) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        encoded = [self._joined(self.start(z), z)]
        for convolve in self.downs:
            z = F.avg_pool2d(z, 2) if self.concat_x else z
            encoded.append(self._joined(convolve(F.max_pool2d(encoded[-1], 2)), z))
        x = encoded.pop()
        for i in reversed(range(len(encoded))):
            x = self.ups[str(i)](x, encoded[i])
        return self.squash(self.head(x))

    def _joined(self, x: Tensor, z: Tensor) -> Tensor:
        return concatenated(x, z) if self.concat_x else x


def unet(
    in_channels: int,
    out_channels: int,
    *,
    feature_scale: int = 4,
    extra_scales: int = 0,
    concat_x: bool = False,
    upsampling: Literal["deconv", "bilinear", "nearest"] = "deconv",
    padding: Padding = "zero",
    norm: Norm = "instance",
    sigmoid: bool = True,
    bias: bool = True,
) -> Network:
    """A U-net of widths 64 … 1024 divided by ``feature_scale``; ``norm`` is in the encoder only.

    Raises OptionError. https://arxiv.org/abs/1505.04597
    """
    at_least("feature_scale", feature_scale, 1)
    at_least("extra_scales", extra_scales, 0)
    widths = [c // feature_scale for c in CHANNELS]
    if widths[0] <= (in_channels if concat_x else 0):
        raise OptionError(
            f"feature_scale is {feature_scale}, which leaves {widths[0]} channels at the finest scale; "
            f"expected more than the {in_channels} of the latent: choose a smaller feature_scale"
        )
    style = Style(norm, upsampling, padding, bias)
    return UNet(in_channels, out_channels, widths, extra_scales, style, concat_x=concat_x, sigmoid=sigmoid)
