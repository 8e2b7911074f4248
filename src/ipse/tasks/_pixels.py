"""f_θ(z) = θ: a picture of free pixels, the baseline without any structural prior that networks are compared with."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ipse.engine.networks.blocks import Network
from ipse.engine.objectives import Objective


class Pixels(Network):
    """Outputs its parameters, whatever the latent.

    Args:
        start: the initial θ (1, C, H, W).
    """

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(start.clone())

    def forward(self, _z: Tensor) -> Tensor:
        """A copy of θ (1, C, H, W), because the optimiser changes θ in place."""
        return self.pixels.clone()


class Each(Objective):
    """Σ_k E_k(x_k), where the pictures x_k are concatenated along the channels.

    Args:
        terms: E_1, E_2, …, one for each picture.
    """

    def __init__(self, terms: Sequence[Objective]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)

    def forward(self, x: Tensor) -> Tensor:
        """The sum for x (1, K·C, H, W)."""
        values = [term(part) for term, part in zip(self.terms, x.chunk(len(self.terms), dim=1), strict=True)]
        return torch.stack(values).sum()


class Beside(Network):
    """Pictures of free pixels and a network's output, concatenated along the channels: (1, K·C + C, H, W).

    Their gradients are independent, so that Adam fits each picture as it would fit it alone.

    Args:
        network: f, which also determines stride and minimum size.
        free: K, the number of pictures of free pixels, which come first.
        channels: C.
        size: (H, W) of the network's output, including padding.
    """

    def __init__(self, network: nn.Module, *, free: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.network = network
        self.pixels = Pixels(0.1 * torch.rand(1, free * channels, *size))
        self.stride, self.min_size, self.latent_stride = (
            int(getattr(network, name, 1)) for name in ("stride", "min_size", "latent_stride")
        )

    def forward(self, z: Tensor) -> Tensor:
        """All pictures, concatenated along the channels."""
        return torch.cat([self.pixels(z), self.network(z)], dim=1)
