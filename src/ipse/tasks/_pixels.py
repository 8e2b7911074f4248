"""f_θ(z) = θ: a picture of free pixels, which has no structure of its own. What a network is compared with."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ipse.engine.networks.blocks import Network
from ipse.engine.objectives import Objective


class Pixels(Network):
    """Draws its own parameters, whatever the latent.

    Args:
        start: θ at first (1, C, H, W).
    """

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(start.clone())

    def forward(self, _z: Tensor) -> Tensor:
        """θ (1, C, H, W); a copy, for the optimiser changes θ in place while the picture is still looked at."""
        return self.pixels.clone()


class Each(Objective):
    """Σ_k E_k(x_k), x_k the pictures that are joined along the channels.

    Args:
        terms: E_1, E_2, …, as many as there are pictures.
    """

    def __init__(self, terms: Sequence[Objective]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)

    def forward(self, x: Tensor) -> Tensor:
        """The sum, for x (1, K·C, H, W)."""
        values = [term(part) for term, part in zip(self.terms, x.chunk(len(self.terms), dim=1), strict=True)]
        return torch.stack(values).sum()


class Beside(Network):
    """Free pixels and a network's picture in one: (1, K·C + C, H, W), the free ones first.

    Their gradients never meet, so that Adam fits each as it would alone.

    Args:
        network: f, whose size it takes on.
        free: how many free pictures.
        channels: C.
        size: (H, W) that ``network`` draws, padded as it wants it.
    """

    def __init__(self, network: nn.Module, *, free: int, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.network = network
        self.pixels = Pixels(0.1 * torch.rand(1, free * channels, *size))
        self.stride, self.min_size, self.latent_stride = (
            int(getattr(network, name, 1)) for name in ("stride", "min_size", "latent_stride")
        )

    def forward(self, z: Tensor) -> Tensor:
        """All pictures, joined along the channels."""
        return torch.cat([self.pixels(z), self.network(z)], dim=1)
