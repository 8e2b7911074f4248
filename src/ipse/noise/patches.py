"""All overlapping patches of a channel: what is the same for many of them is computed once, on the channel."""

from functools import cached_property

from torch import Tensor
from torch.nn.functional import avg_pool2d, unfold

from ipse.noise.surroundings import is_end


class Patches:
    """The patches of a channel, numbered row by row.

    Args:
        plane: the channel (H, W).
        side: side of a patch, in pixels.
        stride: distance of neighbouring patches.
    """

    def __init__(self, plane: Tensor, side: int, *, stride: int = 1) -> None:
        self.plane, self.side, self.stride = plane, side, stride
        self._rough: dict[int, Tensor] = {}

    @cached_property
    def mean(self) -> Tensor:
        """The mean of each patch (N,)."""
        return self._means(self.plane, self.side, self.side)

    @cached_property
    def ends(self) -> Tensor:
        """The fraction of each patch's samples that are 0 or 1 (N,)."""
        return self._means(is_end(self.plane).to(self.plane.dtype), self.side, self.side)

    def rough(self, apart: int) -> Tensor:
        """The mean squared difference of samples at the given distance, in each patch (N,)."""
        if apart not in self._rough:
            down = (self.plane[apart:] - self.plane[:-apart]).square()
            across = (self.plane[:, apart:] - self.plane[:, :-apart]).square()
            shorter = self.side - apart
            both = self._means(down, shorter, self.side) + self._means(across, self.side, shorter)
            self._rough[apart] = both / 2
        return self._rough[apart]

    @cached_property
    def samples(self) -> Tensor:
        """The samples of each patch (P, N)."""
        return unfold(self.plane[None, None], self.side, stride=self.stride)[0]

    def _means(self, plane: Tensor, height: int, width: int) -> Tensor:
        """The mean of each window of (H, W), one direction after the other."""
        rows = avg_pool2d(plane[None, None], (1, width), (1, self.stride))
        return avg_pool2d(rows, (height, 1), (self.stride, 1)).flatten()
