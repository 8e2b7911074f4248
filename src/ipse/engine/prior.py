"""x = f_θ(z + ε), ε ~ N(0, jitter²): a network and its latent, which together generate a picture of any size.

A network halves its input several times, so its sides must be multiples of its ``stride``. The prior pads the latent
by mirroring and crops the output. It has its own random generator.
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
    """Seed PyTorch's CPU generator (for initial weights) within the block, and restore the caller's state after it.

    Other devices are not touched, because a context on each GPU would take memory. PyTorch has one CPU generator for
    all threads, so a lock lets in one thread at a time.
    """
    with _DRAWING, torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        yield


def mirror(z: Tensor, size: tuple[int, int]) -> Tensor:
    """Extend z (1, C, H, W) to ``size`` by mirroring it to the right and below, repeatedly if necessary."""
    for axis, length in zip((-2, -1), size, strict=True):
        have = z.shape[axis]
        if length > have:
            index = torch.arange(length, device=z.device) % (2 * have)
            z = z.index_select(axis, torch.where(index < have, index, 2 * have - 1 - index))
    return z


def silence(network: nn.Module) -> None:
    """Set the last layer (the network's last weight and bias) to zero, so that the initial output is zero."""
    *_, weight, bias = network.parameters()
    with torch.no_grad():
        weight.zero_()
        bias.zero_()


class Prior(nn.Module):
    """f_θ(z): calling it returns a picture (1, C, H, W).

    Args:
        network: f. Its sides must be multiples of its ``stride`` and at least ``min_size``; both default to 1.
        latent: z, (1, C, H, W), or coarser by the network's ``latent_stride``.
        size: (H, W) of the picture.
        jitter: standard deviation of the noise added to z in every call.
        weight_noise: standard deviation of the noise added to the weights of every convolution in every call,
            relative to that of the weights.
        seed: random seed of jitter and weight noise.
        learn_latent: whether to fit z as well as θ.
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
        """Pad a latent so that its sides fit the network's stride and minimum size."""
        stride, least = (int(getattr(self.network, name, 1)) for name in ("stride", "min_size"))
        step = int(getattr(self.network, "latent_stride", 1))
        sides = [max(least, -(-length // stride) * stride) // step for length in self.size]
        return mirror(latent, (sides[0], sides[1]))

    def forward(self) -> Tensor:
        """Return f_θ(z + ε), cropped to the picture's size."""
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
        """The weights of the convolutions plus noise; gradients reach the weights themselves."""
        noisy: dict[str, Tensor] = {}
        for name, weight in self.network.named_parameters():
            if weight.ndim == 4:
                draw = torch.empty_like(weight).normal_(generator=self.generator)
                noisy[name] = weight + draw * (weight.detach().std() * self.weight_noise)
        return noisy

    def get_extra_state(self) -> dict[str, Any]:
        """The generator's state (part of ``state_dict``, so that a resumed prior draws the same jitter)."""
        return {"generator": self.generator.get_state()}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the generator's state."""
        self.generator.set_state(state["generator"].cpu())


class GuidedPrior(Prior):
    """x = p + f_θ(p + ε): a correction of a first estimate (pilot) p, which is also the latent.

    The jitter keeps the network from copying the noise left in the pilot, because it sees a different p + ε in every
    call. Set the pilot with ``guide`` before the first call.
    """

    def __init__(
        self, network: nn.Module, picture: Tensor, *, jitter: float, weight_noise: float = 0.0, seed: int = 0
    ) -> None:
        size = (picture.shape[-2], picture.shape[-1])
        super().__init__(network, picture, size=size, jitter=jitter, weight_noise=weight_noise, seed=seed)
        self.register_buffer("pilot", picture, persistent=False)

    pilot: Tensor

    def guide(self, pilot: Tensor) -> None:
        """Set the pilot (1, C, H, W), the estimate to correct, which is also the latent."""
        self.pilot = pilot
        self.z = self.padded(pilot).contiguous()

    def forward(self) -> Tensor:
        """Return p + f_θ(p + ε)."""
        return self.pilot + super().forward()
