"""z, the latent: what the network is fed with.

Every latent is a tensor (1, C, H, W). The paper's are ``noise`` and ``meshgrid`` (Ulyanov, Vedaldi, Lempitsky, Deep
Image Prior, https://arxiv.org/abs/1711.10925); the popular telling of it feeds the corrupted picture itself.
"""

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ipse.errors import OptionError
from ipse.settings import Latent


def noise(
    channels: int,
    size: tuple[int, int],
    *,
    generator: torch.Generator,
    distribution: Literal["uniform", "normal"] = "uniform",
    scale: float = 0.1,
) -> Tensor:
    """Draw z ~ scale · U(0, 1) (the reference's) or z ~ scale · N(0, 1), of shape (1, channels, H, W)."""
    z = torch.empty(1, channels, *size, device=generator.device)
    z = z.uniform_(generator=generator) if distribution == "uniform" else z.normal_(generator=generator)
    return z.mul_(scale)


def meshgrid(size: tuple[int, int], *, device: torch.device | str = "cpu") -> Tensor:
    """Give every pixel its own coordinates (x, y), each running over [0, 1]; shape (1, 2, H, W)."""
    height, width = size
    x = torch.linspace(0, 1, width, device=device).expand(height, width)
    y = torch.linspace(0, 1, height, device=device)[:, None].expand(height, width)
    return torch.stack((x, y))[None]


def canvas(picture: Tensor, size: tuple[int, int], *, step: int = 1) -> Tensor:
    """What a latent is made for: a picture (1, C, h, w) at ``size`` (H, W), or its means over ``step``² pixels."""
    whole = picture if picture.shape[-2:] == size else interpolate(picture, size, mode="bilinear")
    return avg_pool2d(whole, step, ceil_mode=True) if step > 1 else whole


def latent(kind: Latent, picture: Tensor, *, channels: int, generator: torch.Generator) -> Tensor:
    """Make the latent of that name for a ``picture`` (1, C, H, W); only noise has a choice of ``channels``.

    Raises:
        OptionError: the name is not one of the latents.
    """
    size = (picture.shape[-2], picture.shape[-1])
    match kind:
        case "noise":
            return noise(channels, size, generator=generator)
        case "meshgrid":
            return meshgrid(size, device=picture.device)
        case "image":
            return picture.clone()
        case _:
            raise OptionError(f"latent {kind!r} is unknown: choose one of {', '.join(get_args(Latent))}")
