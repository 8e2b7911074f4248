"""The paper's encoder–decoder with skip connections.

    s_i(x) = merge[ skip(x) ⊕ up( s_{i+1}( down(x) ) ) ]          f(z) = σ( K ∗ s_0(z) )

Every ``down`` is two convolutions, the first halving; every ``merge`` is a normalisation, a convolution and,
with ``one_by_one``, a 1×1 convolution; ``up`` is fixed. The deepest s is the identity.

D. Ulyanov, A. Vedaldi, V. Lempitsky, "Deep Image Prior", IJCV 2020, https://arxiv.org/abs/1711.10925
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ipse.engine.networks.blocks import (
    Activation,
    Downsampling,
    Network,
    Padding,
    Upsampling,
    activation,
    at_least,
    concatenated,
    conv,
    doubling,
    halving,
    per_scale,
)
from ipse.errors import OptionError


@dataclass(frozen=True)
class Level:
    """What one scale is made of: channels, kernel sizes, resampling."""

    down: int
    up: int
    skip: int
    kernel_down: int
    kernel_up: int
    upsampling: Upsampling
    downsampling: Downsampling


@dataclass(frozen=True)
class Style:
    """What all scales share."""

    kernel_skip: int
    padding: Padding
    activation: Activation
    one_by_one: bool
    bias: bool

    def layer(self, cin: int, cout: int, kernel: int, how: Downsampling | None = None) -> list[nn.Module]:
        """Convolution (halving by ``how``), batch normalisation, activation."""
        if how is None:
            first: list[nn.Module] = [conv(cin, cout, kernel, bias=self.bias, padding=self.padding)]
        else:
            first = halving(cin, cout, kernel, how=how, bias=self.bias, padding=self.padding)
        return [*first, nn.BatchNorm2d(cout), activation(self.activation)]


class Scale(nn.Module):
    """s_i: (B, cin, H, W) → (B, up, H, W)."""

    def __init__(self, cin: int, levels: Sequence[Level], style: Style) -> None:
        super().__init__()
        here, below = levels[0], levels[1:]
        layer = style.layer
        self.skip = nn.Sequential(*layer(cin, here.skip, style.kernel_skip)) if here.skip else None
        self.down = nn.Sequential(
            *layer(cin, here.down, here.kernel_down, here.downsampling),
            *layer(here.down, here.down, here.kernel_down),
        )
        self.deeper = Scale(here.down, below, style) if below else nn.Identity()
        self.up = doubling(here.upsampling)
        joint = here.skip + (below[0].up if below else here.down)
        self.merge = nn.Sequential(
            nn.BatchNorm2d(joint),
            *layer(joint, here.up, here.kernel_up),
            *(layer(here.up, here.up, 1) if style.one_by_one else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        """One scale and all below it."""
        deep = self.up(self.deeper(self.down(x)))
        if self.skip is not None:
            deep = concatenated(self.skip(x), deep)
        return self.merge(deep)


class Skip(Network):
    """The whole network: scales, a 1×1 convolution to the picture's channels, and perhaps a sigmoid."""

    def __init__(
        self, channels: tuple[int, int], levels: Sequence[Level], style: Style, *, sigmoid: bool
    ) -> None:
        super().__init__()
        self.scales = Scale(channels[0], levels, style)
        self.head = conv(levels[0].up, channels[1], 1, bias=style.bias)
        self.squash = nn.Sigmoid() if sigmoid else nn.Identity()
        self.stride = 2 ** len(levels)
        self.min_size = smallest(levels, style)

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H, W) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        return self.squash(self.head(self.scales(z)))


def smallest(levels: Sequence[Level], style: Style) -> int:
    """The least H and W: batch norm needs 2 coarsest pixels, a reflection more pixels than it mirrors."""
    stride = 2 ** len(levels)
    needs = [2 * stride]
    if style.padding == "reflect":
        for i, level in enumerate(levels):
            needs.append(2 ** (i + 1) * (level.kernel_down // 2 + 1))
            needs.append(2**i * (max(level.kernel_up, style.kernel_skip) // 2 + 1))
    return -(-max(needs) // stride) * stride


def skip(
    in_channels: int,
    out_channels: int,
    *,
    down: Sequence[int] = (128,) * 5,
    up: Sequence[int] = (128,) * 5,
    skip: Sequence[int] = (4,) * 5,
    kernel_down: int | Sequence[int] = 3,
    kernel_up: int | Sequence[int] = 3,
    kernel_skip: int = 1,
    padding: Padding = "reflect",
    upsampling: Upsampling | Sequence[Upsampling] = "bilinear",
    downsampling: Downsampling | Sequence[Downsampling] = "stride",
    activation: Activation = "leaky_relu",
    one_by_one: bool = True,
    sigmoid: bool = True,
    bias: bool = True,
) -> Network:
    """The paper's network; the defaults are its denoising network (2,217,831 parameters at 32 → 3 channels).

    ``down``, ``up`` and ``skip`` are channels a scale, finest first; 0 skip channels mean no skip there.
    Kernel sizes are odd. Raises OptionError. https://arxiv.org/abs/1711.10925
    """
    scales = counted(down, up, skip)
    kernels = per_scale("kernel_down", kernel_down, scales), per_scale("kernel_up", kernel_up, scales)
    ups = per_scale("upsampling", upsampling, scales)
    downs = per_scale("downsampling", downsampling, scales)
    levels = [Level(*row) for row in zip(down, up, skip, *kernels, ups, downs, strict=True)]
    style = Style(kernel_skip, padding, activation, one_by_one, bias)
    return Skip((in_channels, out_channels), levels, style, sigmoid=sigmoid)


def counted(down: Sequence[int], up: Sequence[int], skip: Sequence[int]) -> int:
    """The number of scales; raises OptionError where the channels do not agree on it or are too few."""
    scales = len(down)
    if not scales or not scales == len(up) == len(skip):
        raise OptionError(
            f"down, up and skip have {scales}, {len(up)} and {len(skip)} scales; "
            "expected the same number, at least 1"
        )
    for option, channels, least in (("down", down, 1), ("up", up, 1), ("skip", skip, 0)):
        at_least(option, min(channels), least)
    return scales
