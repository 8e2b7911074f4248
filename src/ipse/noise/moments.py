"""The covariance of the first n patches, for one n after another: what lies between two is added or taken away."""

import torch
from torch import Tensor

CHUNK = 1 << 13  # patches, whose samples fit a processor's cache


class Moments:
    """Sums over the first of some patches.

    Args:
        samples: the samples of all patches (P, N).
        places: the numbers of some patches, in their order.
    """

    def __init__(self, samples: Tensor, places: Tensor) -> None:
        self.samples, self.places = samples, places
        self.usual = samples.mean().double()  # so that sums of squares do not cancel
        side = len(samples)
        self.known = {0: (self.usual.new_zeros(side), self.usual.new_zeros(side, side))}

    def covariance(self, count: int) -> Tensor:
        """The covariance (P, P) of the first patches."""
        total, products = self.sums(count)
        return (products - torch.outer(total, total) / count) / (count - 1)

    def sums(self, count: int) -> tuple[Tensor, Tensor]:
        """Their sum (P,), and the sum of the products of their samples (P, P)."""
        if count not in self.known:
            near = min(self.known, key=lambda known: abs(known - count))
            total, products = self.known[near]
            sign = 1 if count > near else -1
            for part in self.places[min(near, count) : max(near, count)].split(CHUNK):
                values = self.samples.index_select(1, part).double().sub_(self.usual)
                total, products = total + sign * values.sum(1), products + sign * (values @ values.T)
            self.known[count] = total, products
        return self.known[count]
