"""The residual network of the paper's comparison, at full resolution throughout.

    x ← act( K ∗ z )      x ← x + block(x), ``blocks`` times      f(z) = σ( K ∗ norm( K ∗ x ) )

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning", CVPR 2016, https://arxiv.org/abs/1512.03385
"""

from torch import Tensor, nn

from ipse.engine.networks.blocks import Activation, Network, Norm, Padding, at_least, conv
from ipse.engine.networks.blocks import activation as act_layer
from ipse.engine.networks.blocks import norm as norm_layer


class Block(nn.Module):
    """(B, C, H, W) → the same shape: convolution, norm, activation, convolution, norm, and x added."""

    def __init__(self, channels: int, kind: Norm, act: Activation, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        self.body = nn.Sequential(
            conv(channels, channels, 3, bias=False),
            norm_layer(kind, channels),
            act_layer(act),
            conv(channels, channels, 3, bias=False),
            norm_layer(kind, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x + body(x), or body(x) without the residual."""
        return x + self.body(x) if self.residual else self.body(x)


class ResNet(Network):
    """A chain of layers that keep the size."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.min_size = 2  # norms need more than one value, a reflection more than one pixel

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, C_in, H, W) → picture (B, C_out, H, W), in (0, 1) with the sigmoid."""
        return self.layers(z)


def resnet(
    in_channels: int,
    out_channels: int,
    *,
    blocks: int = 8,
    channels: int = 32,
    residual: bool = True,
    activation: Activation = "leaky_relu",
    norm: Norm = "batch",
    padding: Padding = "reflect",
    sigmoid: bool = True,
) -> Network:
    """A residual network of ``blocks`` blocks; ``padding`` is that of the first and the last convolution.

    Raises OptionError. https://arxiv.org/abs/1512.03385
    """
    at_least("blocks", blocks, 0)
    at_least("channels", channels, 1)
    return ResNet(
        conv(in_channels, channels, 3, padding=padding),
        act_layer(activation),
        *(Block(channels, norm, activation, residual=residual) for _ in range(blocks)),
        conv(channels, channels, 3),
        norm_layer(norm, channels),
        conv(channels, out_channels, 3, padding=padding),
        nn.Sigmoid() if sigmoid else nn.Identity(),
    )
