"""What a network could be instead: changes in place, each of which takes or gives something that a step spends time on.

Some keep f_θ (memory format, another kernel for the same norm), some do not (no norm, a norm of the weights): those
bound from below what a cheaper one could cost.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn


class Standardised(nn.Conv2d):
    """A convolution whose weights have mean 0 and variance 1/fan-in: normalisation folded into the weights."""

    def forward(self, input: Tensor) -> Tensor:
        """K̂ ∗ x."""
        mean = self.weight.mean((1, 2, 3), keepdim=True)
        spread = self.weight.var((1, 2, 3), keepdim=True, unbiased=False)
        scale = (spread * self.weight[0].numel() + 1e-8).rsqrt()
        return self._conv_forward(input, (self.weight - mean) * scale, self.bias)


class ByHand(nn.Module):
    """Batch normalisation as x · a + b, a and b from the moments: two passes, no saved copy of the output."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """γ (x − E x) / √(V x + ε) + β."""
        variance, mean = torch.var_mean(x, (0, 2, 3), unbiased=False)
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return torch.addcmul(shift[:, None, None], x, scale[:, None, None])


class Reordered(nn.Module):
    """A core that is given its input in plain memory format."""

    def __init__(self, core: nn.Module) -> None:
        super().__init__()
        self.core = core

    def forward(self, x: Tensor) -> Tensor:
        """core(x), channels first in memory."""
        return self.core(x.contiguous())


def replaced(network: nn.Module, kind: type[nn.Module], make: Callable[[nn.Module], nn.Module]) -> None:
    """Put ``make(module)`` in the place of every module of that kind."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is kind:
                setattr(parent, name, make(child))


def channels_first(network: nn.Module) -> None:
    """Undo the fast network's own memory format."""
    if isinstance(getattr(network, "core", None), nn.Module):
        network.core = Reordered(network.core)  # type: ignore[arg-type]


def standardised(network: nn.Module) -> None:
    """No batch norm; standardised weights instead."""
    for module in network.modules():
        if type(module) is nn.Conv2d and module.kernel_size != (1, 1):
            module.__class__ = Standardised
    replaced(network, nn.BatchNorm2d, lambda _: nn.Identity())


def grouped(norm: nn.Module) -> nn.Module:
    """Each channel normalised by its own moments."""
    channels = cast(nn.BatchNorm2d, norm).num_features
    return nn.GroupNorm(channels, channels)


def without_norm(network: nn.Module) -> None:
    """No normalisation at all: what it costs is what this saves."""
    replaced(network, nn.BatchNorm2d, lambda _: nn.Identity())


def by_hand(network: nn.Module) -> None:
    """Batch norm of elementary operations."""
    replaced(network, nn.BatchNorm2d, lambda norm: ByHand(cast(nn.BatchNorm2d, norm)))


def by_group(network: nn.Module) -> None:
    """Batch norm by the kernel of group norm; one picture has the same moments."""
    replaced(network, nn.BatchNorm2d, grouped)


def channels_last(network: nn.Module) -> None:
    """Weights, not features alone, channels last in memory."""
    for weight in network.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
