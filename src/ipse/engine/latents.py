"""z, the latent: the input of the network.

    z(tile) = z[rows, columns]      part of a latent of the whole picture, so that overlapping tiles see the same values

Every latent is a tensor (1, C, H, W). The paper uses ``noise`` and ``meshgrid`` (Ulyanov, Vedaldi, Lempitsky, Deep
Image Prior, https://arxiv.org/abs/1711.10925); ``image``, the corrupted picture itself, is common in tutorials.
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ipse.errors import OptionError
from ipse.settings import Latent

BLOCK = 64  # side in pixels of the blocks in which a large noise latent is drawn


@dataclass(frozen=True)
class Window:
    """The position of a part within the latent of a whole picture. Noise depends only on the seed and the position."""

    top: int
    left: int
    size: tuple[int, int]  #: (H, W) of the whole latent
    seed: int
    device: torch.device

    @property
    def first(self) -> tuple[int, int]:
        """The first row and column."""
        return self.top, self.left


def noise(
    channels: int,
    size: tuple[int, int],
    *,
    generator: torch.Generator | Window,
    distribution: Literal["uniform", "normal"] = "uniform",
    scale: float = 0.1,
) -> Tensor:
    """Draw z ~ scale · U(0, 1) (the reference's) or z ~ scale · N(0, 1), of shape (1, channels, H, W)."""
    if isinstance(generator, Window):
        return _noise_in(generator, channels, size, distribution, scale)
    z = torch.empty(1, channels, *size, device=generator.device)
    z = z.uniform_(generator=generator) if distribution == "uniform" else z.normal_(generator=generator)
    return z.mul_(scale)


def _noise_in(
    window: Window,
    channels: int,
    size: tuple[int, int],
    distribution: Literal["uniform", "normal"],
    scale: float,
) -> Tensor:
    """A window of a noise latent, assembled from blocks with a seed each."""
    z = torch.empty(1, channels, *size, device=window.device)
    spans = [
        range(first // BLOCK, -(-(first + length) // BLOCK))
        for first, length in zip(window.first, size, strict=True)
    ]
    for down, across in product(*spans):
        seed = np.random.SeedSequence((window.seed, down, across)).generate_state(1, np.uint64)
        draw = torch.Generator(window.device).manual_seed(int(seed[0]))
        block = noise(channels, (BLOCK, BLOCK), generator=draw, distribution=distribution, scale=scale)
        top, left = down * BLOCK - window.top, across * BLOCK - window.left
        rows, columns = slice(max(0, top), top + BLOCK), slice(max(0, left), left + BLOCK)
        part = block[..., max(0, -top) :, max(0, -left) :]
        here = z[..., rows, columns]
        here.copy_(part[..., : here.shape[-2], : here.shape[-1]])
    return z


def meshgrid(
    size: tuple[int, int], *, device: torch.device | str = "cpu", window: Window | None = None
) -> Tensor:
    """The coordinates (x, y) of every pixel, each from 0 to 1 over the whole picture; shape (1, 2, H, W)."""
    (height, width), whole = size, size if window is None else window.size
    top, left = (0, 0) if window is None else window.first
    x = torch.linspace(0, 1, whole[1], device=device)[left : left + width].expand(height, width)
    y = torch.linspace(0, 1, whole[0], device=device)[top : top + height, None].expand(height, width)
    return torch.stack((x, y))[None]


def canvas(picture: Tensor, size: tuple[int, int], *, step: int = 1) -> Tensor:
    """A picture (1, C, h, w) resized to ``size`` (H, W), then averaged over ``step`` × ``step`` pixels."""
    whole = picture if picture.shape[-2:] == size else interpolate(picture, size, mode="bilinear")
    return avg_pool2d(whole, step, ceil_mode=True) if step > 1 else whole


def latent(kind: Latent, picture: Tensor, *, channels: int, generator: torch.Generator | Window) -> Tensor:
    """Make the latent of the given kind for a ``picture`` (1, C, H, W); ``channels`` applies to noise only.

    With a ``Window`` as the generator, it is a part of the latent of a larger picture.

    Raises:
        OptionError: the name is not one of the latents.
    """
    size = (picture.shape[-2], picture.shape[-1])
    match kind:
        case "noise":
            return noise(channels, size, generator=generator)
        case "meshgrid":
            window = generator if isinstance(generator, Window) else None
            return meshgrid(size, device=picture.device, window=window)
        case "image":
            return picture.clone()
        case _:
            raise OptionError(f"latent {kind!r} is unknown: choose one of {', '.join(get_args(Latent))}")
