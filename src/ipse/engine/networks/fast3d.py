"""The default network for stacks: planes share their weights and exchange features with their neighbours.

    f(z)_d = fast(z_d),  where the input of every 3×3 convolution is   [h_{d−1}[:n], h_{d+1}[n:2n], h_d[2n:]]

This is a convolution over depth in which each channel looks at one plane: the previous, the next or its own. It has the
weights and nearly the cost of the 3×3 convolutions of a single plane, and its receptive field grows by one plane in
each direction with every layer. The first and last plane take themselves as the missing neighbour. To the caller, the
planes are channels of one picture.

J. Lin, C. Gan, S. Han, "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019,
https://arxiv.org/abs/1811.08383
"""

from torch import Tensor

from ipse.engine.networks.blocks import Network, at_least
from ipse.engine.networks.fast import Fast, Sizes
from ipse.errors import OptionError


class Fast3d(Fast):
    """``Fast`` with planes on the batch axis; the channels of a plane are adjacent."""

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
    """The network for planes that belong together; ``in_channels`` and ``out_channels`` count those of all planes.

    The other options are those of ``fast``. Raises OptionError, also if ``planes`` is missing.
    https://arxiv.org/abs/1811.08383
    """
    if planes is None:
        raise OptionError(
            "network 'fast3d' is for planes that belong together: give a stack and --joint T or Z, or "
            "choose another network"
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
