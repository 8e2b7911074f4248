"""The default network over a stack: planes share their weights, and hand features on to their neighbours.

    f(z)_d = fast(z_d),  where every 3×3 convolution sees of plane d   [h_{d−1}[:n], h_{d+1}[n:2n], h_d[2n:]]

A convolution over depth in which every channel looks one way: behind, ahead or at its own plane. It has the weights
and, nearly, the cost of a plane's 3×3 convolutions, and a receptive field that grows by a plane each way with every
layer. Planes at the ends see themselves. The planes are the channels of the picture: whoever calls it sees no depth.

J. Lin, C. Gan, S. Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019,
https://arxiv.org/abs/1811.08383
"""

from torch import Tensor

from ipse.engine.networks.blocks import Network, at_least
from ipse.engine.networks.fast import Fast, Sizes
from ipse.errors import OptionError


class Fast3d(Fast):
    """Planes on the batch axis of ``Fast``; channels of a plane lie next to one another."""

    def forward(self, z: Tensor) -> Tensor:
        """Latent z (B, planes · c, h, w) → picture (B, planes · C, H, W)."""
        drawn = super().forward(z.unflatten(1, (self.planes, -1)).flatten(0, 1))
        return drawn.unflatten(0, (-1, self.planes)).flatten(1, 2)


def fast3d(
    in_channels: int,
    out_channels: int,
    *,
    planes: int | None = None,
    width: int = 32,
    scales: int = 4,
    skip: int = 4,
    head: int = 16,
    reduction: int = 2,
    fold: bool = False,
    sigmoid: bool = True,
) -> Network:
    """The network of planes that belong together; ``in_channels`` and ``out_channels`` are of all of them.

    The other options are those of ``fast``. Raises OptionError, without ``planes`` too: a single picture has none.
    https://arxiv.org/abs/1811.08383
    """
    if planes is None:
        raise OptionError(
            "network 'fast3d' is of planes that belong together: give a stack and --joint T or Z, or "
            "another network"
        )
    sizes = {"width": width, "scales": scales, "head": head, "reduction": reduction, "planes": planes}
    for option, value in sizes.items():
        at_least(option, value, 1)
    at_least("skip", skip, 0)
    for option, value in {"in_channels": in_channels, "out_channels": out_channels}.items():
        if value % planes:
            raise OptionError(f"{option} is {value}; expected a multiple of the {planes} planes")
    made = Sizes(width, scales, skip, head, reduction, planes)
    return Fast3d(in_channels // planes, out_channels // planes, made, fold=fold, sigmoid=sigmoid)
