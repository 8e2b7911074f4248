"""x = f_θ(z + ε), ε ~ N(0, jitter²): a network and its latent, as a picture of any size.

A network halves its input several times, so it wants sides that are multiples of its ``stride``; the prior pads the
latent by mirroring, once, and crops what comes out. Everything random in it hangs on its own generator.
"""

from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

_DRAWING = RLock()


@contextmanager
def seeded(seed: int) -> Generator[None]:
    """Make what PyTorch draws inside on the CPU (initial weights) hang on ``seed``, not on the caller's own stream.

    No other device is touched: a context on each GPU would take its memory. PyTorch has one stream for all threads, so
    that one at a time draws from it.
    """
    with _DRAWING, torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        yield


def mirror(z: Tensor, size: tuple[int, int]) -> Tensor:
    """Extend z (1, C, H, W) to the right and below to ``size`` by mirroring, however small z is."""
    for axis, length in zip((-2, -1), size, strict=True):
        have = z.shape[axis]
        if length > have:
            index = torch.arange(length, device=z.device) % (2 * have)
            z = z.index_select(axis, torch.where(index < have, index, 2 * have - 1 - index))
    return z


def silence(network: nn.Module) -> None:
    """Set the last layer (weight and bias, a network's last parameters) to zero: a correction that starts at none."""
    *_, weight, bias = network.parameters()
    with torch.no_grad():
        weight.zero_()
        bias.zero_()


class Prior(nn.Module):
    """f_θ(z): calling it draws one picture (1, C, H, W).

    Args:
        network: f, with ``stride`` (its sides must be multiples of it; 1 where it says nothing) and ``min_size``.
        latent: z, (1, C, H, W), or coarser by the network's ``latent_stride``.
        size: (H, W) of the picture.
        jitter: standard deviation of the noise added to z at every draw.
        weight_noise: standard deviation of the noise added to every convolution's weights at every draw, relative
            to that of the weights.
        seed: what jitter and weight noise hang on.
        learn_latent: fit z as well as θ.
    """

    def __init__(
        self,
        network: nn.Module,
        latent: Tensor,
        *,
        size: tuple[int, int],
        jitter: float = 0.0,
        weight_noise: float = 0.0,
        seed: int = 0,
        learn_latent: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self.size = size
        self.jitter = jitter
        self.weight_noise = weight_noise
        self.generator = torch.Generator(latent.device).manual_seed(seed)
        z = self.padded(latent).contiguous()
        if learn_latent:
            self.z = nn.Parameter(z.clone())
        else:
            self.register_buffer("z", z, persistent=False)
        self.register_buffer("noise", torch.empty_like(self.z), persistent=False)

    z: Tensor
    noise: Tensor

    def padded(self, latent: Tensor) -> Tensor:
        """Extend a latent to sides that the network can halve as often as it does."""
        stride, least = (int(getattr(self.network, name, 1)) for name in ("stride", "min_size"))
        step = int(getattr(self.network, "latent_stride", 1))
        sides = [max(least, -(-length // stride) * stride) // step for length in self.size]
        return mirror(latent, (sides[0], sides[1]))

    def forward(self) -> Tensor:
        """Draw f_θ(z + ε), cropped to the picture's size."""
        z = self.z
        if self.jitter > 0:
            self.noise.normal_(generator=self.generator)
            z = torch.add(z, self.noise, alpha=self.jitter)
        x = (
            functional_call(self.network, self.noisy_weights(), z)
            if self.weight_noise > 0
            else self.network(z)
        )
        return x[..., : self.size[0], : self.size[1]]

    def noisy_weights(self) -> dict[str, Tensor]:
        """The convolutions' weights plus noise; the gradient reaches the weights underneath."""
        noisy: dict[str, Tensor] = {}
        for name, weight in self.network.named_parameters():
            if weight.ndim == 4:
                draw = torch.empty_like(weight).normal_(generator=self.generator)
                noisy[name] = weight + draw * (weight.detach().std() * self.weight_noise)
        return noisy

    def get_extra_state(self) -> dict[str, Any]:
        """Where the generator stands (part of ``state_dict``, so that a resumed prior draws the same jitter)."""
        return {"generator": self.generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Put the generator back where ``get_extra_state`` found it."""
        self.generator.set_state(state["generator"].cpu())


class GuidedPrior(Prior):
    """x = p + f_θ(p + ε): a correction of a pilot p, which is also the latent.

    The jitter keeps the network from copying the noise that the pilot left: it sees a new p + ε at every draw. The
    pilot is set by ``guide`` before the first draw.
    """

    def __init__(
        self, network: nn.Module, picture: Tensor, *, jitter: float, weight_noise: float = 0.0, seed: int = 0
    ) -> None:
        size = (picture.shape[-2], picture.shape[-1])
        super().__init__(network, picture, size=size, jitter=jitter, weight_noise=weight_noise, seed=seed)
        self.register_buffer("pilot", picture, persistent=False)

    pilot: Tensor

    def guide(self, pilot: Tensor) -> None:
        """Take ``pilot`` (1, C, H, W) as what is corrected, and as the latent."""
        self.pilot = pilot
        self.z = self.padded(pilot).contiguous()

    def forward(self) -> Tensor:
        """Draw p + f_θ(p + ε)."""
        return self.pilot + super().forward()
