"""The default network: a wide core at reduced resolution and a thin head at full resolution.

    s_i(x) = merge( up( s_{i+1}( down(x) ) ) + skip(x) )        at 1/reduction of the picture
    f(z) = σ( K₁ ∗ act( K₃ ∗ bilinear( K ∗ s_0(z) ) ) )          at the picture's resolution

The paper's encoder–decoder without the parts that cost more than they gain: wide convolutions at full resolution, and
normalising and concatenating the skip connections (here each is a few channels, widened and added). All upsampling is
fixed and bilinear, because it provides much of the prior; a learnt head (pixel shuffle) loses it.

D. Ulyanov, A. Vedaldi, V. Lempitsky, "Deep Image Prior", IJCV 2020, https://arxiv.org/abs/1711.10925
Y. Liu et al., "The devil is in the upsampling", ICCV 2023, https://arxiv.org/abs/2304.11409
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from ipse.engine.networks.blocks import DepthShift, Network, activation, at_least


@dataclass(frozen=True)
class Sizes:
    """Channels and scales of the core, channels of a skip and of the head, and picture pixels per core pixel."""

    width: int
    scales: int
    skip: int
    head: int
    reduction: int
    planes: int = 1  #: of a stack, on the batch axis


def layer(cin: int, cout: int, kernel: int, *, stride: int = 1, planes: int = 1) -> nn.Sequential:
    """Convolution with zeros beyond the border, normalisation by this batch alone, leaky ReLU."""
    return nn.Sequential(
        *([DepthShift(planes)] if planes > 1 else []),
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(cout, track_running_stats=False),
        activation("leaky_relu"),
    )


class Scale(nn.Module):
    """s_i: (B, cin, H, W) → (B, width, H, W), with ``below`` more scales under it."""

    def __init__(self, cin: int, width: int, skip: int, below: int, planes: int = 1) -> None:
        super().__init__()
        self.down = nn.Sequential(
            layer(cin, width, 3, stride=2, planes=planes), layer(width, width, 3, planes=planes)
        )
        self.deeper = Scale(width, width, skip, below - 1, planes) if below else nn.Identity()
        self.skip = (
            nn.Sequential(layer(cin, skip, 1), nn.Conv2d(skip, width, 1, bias=False)) if skip else None
        )
        self.merge = nn.Sequential(layer(width, width, 3, planes=planes), layer(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        """One scale and all below it."""
        deep = F.interpolate(self.deeper(self.down(x)), scale_factor=2, mode="bilinear")
        return self.merge(deep if self.skip is None else deep + self.skip(x))


class Fast(Network):
    """The core, and the head: 1×1 to a few channels, fixed bilinear, one 3×3, 1×1 to the picture's."""

    def __init__(
        self, in_channels: int, out_channels: int, sizes: Sizes, *, fold: bool, sigmoid: bool
    ) -> None:
        super().__init__()
        reduction, head, self.planes = sizes.reduction, sizes.head, sizes.planes
        self.reduction, self.fold = reduction, fold
        self.latent_stride = 1 if fold else reduction
        self.stride = reduction * 2**sizes.scales
        self.min_size = 2 * self.stride  # normalisation needs more than one of the coarsest pixels
        cin = in_channels * reduction**2 if fold else in_channels
        self.core = Scale(cin, sizes.width, sizes.skip, sizes.scales - 1, sizes.planes)
        self.thin = nn.Conv2d(sizes.width, head, 1)
        self.beside = DepthShift(sizes.planes) if sizes.planes > 1 else nn.Identity()
        self.fine = nn.Conv2d(head, head, 3, padding=1)
        self.act = activation("leaky_relu")
        self.colour = nn.Conv2d(head, out_channels, 1)
        self.squash = nn.Sigmoid() if sigmoid else nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H / latent_stride, W / latent_stride) → picture (B, C_out, H, W)."""
        if self.fold:
            z = F.pixel_unshuffle(z, self.reduction)
        # Channels-last layout makes a step on a CPU a third cheaper, without changing the weights. It is written as a
        # permutation, because vmap does not support memory formats.
        x = self.thin(self.core(z.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)))
        x = F.interpolate(x, scale_factor=self.reduction, mode="bilinear") if self.reduction > 1 else x
        return self.squash(self.colour(self.act(self.fine(self.beside(x)))).contiguous())


def fast(
    in_channels: int,
    out_channels: int,
    *,
    width: int = 32,
    scales: int = 4,
    skip: int = 4,
    head: int = 16,
    reduction: int = 2,
    fold: bool = False,
    sigmoid: bool = True,
) -> Network:
    """The default network; widths in multiples of 16 are the fastest on a CPU.

    Without ``fold`` the latent (noise) has 1/``reduction`` of the picture's resolution: ``latent_stride`` is
    ``reduction``. With it the latent is a picture at full resolution, whose blocks of reduction × reduction
    pixels become channels. ``skip`` 0 means no skips. The head's last convolution holds the last parameters.
    Raises OptionError. https://arxiv.org/abs/1711.10925
    """
    for option, value in {"width": width, "scales": scales, "head": head, "reduction": reduction}.items():
        at_least(option, value, 1)
    at_least("skip", skip, 0)
    sizes = Sizes(width, scales, skip, head, reduction)
    return Fast(in_channels, out_channels, sizes, fold=fold, sigmoid=sigmoid)
