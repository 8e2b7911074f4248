"""Building blocks of networks.

convolution     y = K ∗ pad(x) + b              stride 1, or 2 by a stride or by a fixed low-pass
normalisation   y = γ (x − E x) / √(V x + ε) + β    over the batch or over each picture
upsampling      fixed bilinear or nearest ×2: never learnt, because much of the prior is in it
"""

from collections.abc import Mapping, Sequence
from math import pi, sin
from typing import Literal, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ipse.errors import OptionError

Padding = Literal["reflect", "zero"]
Activation = Literal["leaky_relu", "swish", "elu", "none"]
Upsampling = Literal["bilinear", "nearest"]
Downsampling = Literal["stride", "avg", "max", "lanczos2", "lanczos3"]
Norm = Literal["batch", "instance", "none"]

T = TypeVar("T")


class Network(nn.Module):
    """An untrained network f_θ: latent z (B, C_in, h, w) → picture (B, C_out, H, W).

    H and W must be multiples of ``stride`` and at least ``min_size``, and h = H / ``latent_stride``. The caller pads
    the latent accordingly. All three are in pixels of the picture.
    """

    stride: int = 1
    min_size: int = 1
    latent_stride: int = 1


def chosen(option: str, value: str, table: Mapping[str, T]) -> T:
    """The entry of ``table`` named ``value``; raises OptionError, which lists the names."""
    if value not in table:
        raise OptionError(f"{option} is {value!r}; expected one of {', '.join(table)}")
    return table[value]


def at_least(option: str, value: int, least: int) -> None:
    """Raise OptionError if ``value`` is smaller than ``least``."""
    if value < least:
        raise OptionError(f"{option} is {value}; expected a whole number of at least {least}")


def per_scale(option: str, value: T | Sequence[T], scales: int) -> tuple[T, ...]:
    """One value per scale: a single value is repeated, a sequence must have ``scales`` entries."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        return (cast(T, value),) * scales
    values = tuple(cast(Sequence[T], value))
    if len(values) != scales:
        raise OptionError(f"{option} has {len(values)} values; expected one, or {scales}: one per scale")
    return values


def activation(name: Activation) -> nn.Module:
    """LeakyReLU of slope 0.2, Swish x·σ(x) (https://arxiv.org/abs/1710.05941), ELU, or none."""
    make = {
        "leaky_relu": lambda: nn.LeakyReLU(0.2, inplace=True),
        "swish": nn.SiLU,
        "elu": nn.ELU,
        "none": nn.Identity,
    }
    return chosen("activation", name, make)()


def norm(name: Norm, channels: int, *, affine: bool = True) -> nn.Module:
    """Batch or instance normalisation of (B, ``channels``, H, W), or none; batch norm is always affine."""
    if chosen("norm", name, {"batch": 0, "instance": 1, "none": 2}) == 0:
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels, affine=affine) if name == "instance" else nn.Identity()


def conv(
    cin: int, cout: int, kernel: int, *, stride: int = 1, bias: bool = True, padding: Padding = "zero"
) -> nn.Conv2d:
    """A convolution with an odd kernel that keeps the size (divides it by ``stride``, rounded up)."""
    if kernel < 1 or kernel % 2 == 0:
        raise OptionError(
            f"kernel is {kernel}; expected an odd size such as 3, which keeps the picture's size"
        )
    modes: dict[str, Literal["reflect", "zeros"]] = {"reflect": "reflect", "zero": "zeros"}
    mode = chosen("padding", padding, modes)
    return nn.Conv2d(
        cin, cout, kernel, stride, kernel // 2, bias=bias, padding_mode=mode if kernel > 1 else "zeros"
    )


def halving(
    cin: int, cout: int, kernel: int, *, how: Downsampling, bias: bool, padding: Padding
) -> list[nn.Module]:
    """A convolution that halves H and W: by its stride, or by a fixed down-sampler behind it."""
    make = {
        "stride": nn.Identity,
        "avg": lambda: nn.AvgPool2d(2),
        "max": lambda: nn.MaxPool2d(2),
        "lanczos2": lambda: Lanczos(2),
        "lanczos3": lambda: Lanczos(3),
    }
    pool = chosen("downsampling", how, make)()
    if how == "stride":
        return [conv(cin, cout, kernel, stride=2, bias=bias, padding=padding)]
    return [conv(cin, cout, kernel, bias=bias, padding=padding), pool]


def doubling(how: Upsampling) -> nn.Upsample:
    """Fixed interpolation to twice the size."""
    mode = chosen("upsampling", how, {"bilinear": "bilinear", "nearest": "nearest"})
    return nn.Upsample(scale_factor=2, mode=mode)


class Lanczos(nn.Module):
    """Halves (B, C, H, W) by a fixed Lanczos kernel, half a pixel off the grid, with replicated borders.

    k(t) = sinc(t) sinc(t/a) for |t| < a, sampled at t = ±1/4, ±3/4, …; a buffer, never trained.
    """

    taps: Tensor

    def __init__(self, lobes: int) -> None:
        super().__init__()
        t = [pi * (i + 0.5 - 2 * lobes) / 2 for i in range(4 * lobes)]
        k = [sin(x) * sin(x / lobes) / x**2 for x in t]
        self.register_buffer("taps", torch.tensor([v / sum(k) for v in k], dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Halve x (B, C, H, W); an odd size is rounded down."""
        channels, width = x.shape[1], len(self.taps)
        pad = width // 2 - 1
        k = self.taps.to(x.dtype).expand(channels, 1, 1, width)
        x = F.pad(x, (pad, pad, pad, pad), mode="replicate")
        x = F.conv2d(x, k, stride=(1, 2), groups=channels)
        return F.conv2d(x, k.transpose(2, 3), stride=(2, 1), groups=channels)


class DepthShift(nn.Module):
    """[h_{d−1}[:n], h_{d+1}[n:2n], h_d[2n:]], n a quarter of the channels: a part of each plane from its neighbours.

    Planes lie on the batch axis, ``planes`` of a stack next to one another; the first and the last see themselves.
    """

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.planes = planes

    def forward(self, x: Tensor) -> Tensor:
        """Hand the channels of x (B · planes, C, H, W) on."""
        h, n = x.unflatten(0, (-1, self.planes)), x.shape[1] // 4
        behind = torch.cat([h[:, :1, :n], h[:, :-1, :n]], dim=1)
        ahead = torch.cat([h[:, 1:, n : 2 * n], h[:, -1:, n : 2 * n]], dim=1)
        return torch.cat([behind, ahead, h[:, :, 2 * n :]], dim=2).flatten(0, 1)


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """The centre of x (B, C, H, W) at ``height`` × ``width``; x itself where it fits already."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def concatenated(*parts: Tensor) -> Tensor:
    """Parts joined along the channels, each cropped to the centre of the smallest height and width."""
    height, width = min(p.shape[2] for p in parts), min(p.shape[3] for p in parts)
    return torch.cat([cropped(p, height, width) for p in parts], dim=1)
