"""x ← argmin_x ½ ‖√w ⊙ (A x − y)‖² + ½ κ ‖x − v‖² + λ Σ |∇x|, x within a convex set: a round of plug-and-play.

With λ = 0, by conjugate gradients. Otherwise by the alternating direction method of multipliers, with d = ∇x and
b = x split off; its multipliers are kept for the next round, whose v is little different.

Boyd, Parikh, Chu, Peleato, Eckstein, "Distributed optimization and statistical learning via the alternating direction
method of multipliers", 2011, https://doi.org/10.1561/2200000016
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ipse.tasks._splitting import Measured, falling, rough, solved

STIFF = 20.0  # penalty of both splittings, in units of λ
INNER = 4  # conjugate gradients of each of the method's iterations


@dataclass
class DataStep:
    """The minimiser, called once a round."""

    measured: Measured  #: A, y, and w
    within: Callable[[Tensor], Tensor]  #: the nearest picture of the set
    smoothness: float = 0.0  #: λ
    #: d, its multiplier, b, its
    state: tuple[Tensor, Tensor, Tensor, Tensor] | None = field(default=None, init=False)

    def __call__(self, v: Tensor, pull: float, *, iterations: int) -> Tensor:
        """The minimiser (1, C, H, W) for v and κ = ``pull``; ``iterations`` count conjugate gradients in all."""
        if not self.smoothness:
            return self.within(solved(self.measured, v, lambda d: pull * d, iterations=iterations, pull=v))
        stiff = STIFF * self.smoothness
        slope, slope_rest, near, near_rest = self.state or (
            slopes(v), v.new_zeros(2, *v.shape), self.within(v), torch.zeros_like(v),
        )  # fmt: skip

        def penalty(d: Tensor) -> Tensor:
            return (pull + stiff) * d + stiff * rough(d)

        x = v
        for _ in range(max(1, iterations // INNER)):
            target = pull * v + stiff * (falling(*_inside(slope - slope_rest)) + near - near_rest)
            x = solved(self.measured, x, penalty, iterations=INNER, target=target)
            steep = slopes(x) + slope_rest
            length = steep.square().sum((0, 2), keepdim=True).sqrt().clamp_min(1e-12)
            slope = steep * (1 - self.smoothness / stiff / length).clamp_min(0)
            near = self.within(x + near_rest)
            slope_rest, near_rest = steep - slope, near_rest + x - near
        self.state = (slope, slope_rest, near, near_rest)
        return near


def slopes(x: Tensor) -> Tensor:
    """∇x (2, 1, C, H, W), differences of neighbours down and across; 0 at the last row and column."""
    found = x.new_zeros(2, *x.shape)
    found[0, ..., :-1, :], found[1, ..., :-1] = x.diff(dim=-2), x.diff(dim=-1)
    return found


def _inside(slope: Tensor) -> tuple[Tensor, Tensor]:
    """The differences down and across, without the zeros."""
    return slope[0, ..., :-1, :], slope[1, ..., :-1]
