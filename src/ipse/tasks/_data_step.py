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

from ipse.tasks._splitting import Measured, rough, solved

STIFF = 20.0  # penalty of both splittings, in units of λ
INNER = 4  # conjugate gradients of each of the method's iterations


@dataclass
class DataStep:
    """The minimiser, called once a round."""

    measured: Measured  #: A, y, and w
    within: Callable[[Tensor], Tensor]  #: the nearest picture of the set
    smoothness: float = 0.0  #: λ
    state: tuple[Tensor, Tensor, Tensor, Tensor] | None = field(
        default=None, init=False
    )  #: d, its multiplier, b, its

    def __call__(self, v: Tensor, pull: float, *, iterations: int) -> Tensor:
        """The minimiser (1, C, H, W) for v and κ = ``pull``; ``iterations`` count conjugate gradients in all."""
        if not self.smoothness:
            return self.within(solved(self.measured, v, lambda d: pull * d, iterations=iterations, pull=v))
        stiff = STIFF * self.smoothness
        slope, slope_rest, near, near_rest = self.state or (
            slopes(v), torch.zeros(2, *v.shape).to(v), self.within(v), torch.zeros_like(v),
        )  # fmt: skip
        x = v
        for _ in range(max(1, iterations // INNER)):
            target = pull * v + stiff * (falling(slope - slope_rest) + near - near_rest)
            x = solved(
                self.measured,
                x,
                lambda d: (pull + stiff) * d + stiff * rough(d),
                iterations=INNER,
                target=target,
            )
            steep = slopes(x) + slope_rest
            length = steep.square().sum((0, 2), keepdim=True).sqrt().clamp_min(1e-12)
            slope = steep * (1 - self.smoothness / stiff / length).clamp_min(0)
            near = self.within(x + near_rest)
            slope_rest, near_rest = steep - slope, near_rest + x - near
        self.state = (slope, slope_rest, near, near_rest)
        return near


def slopes(x: Tensor) -> Tensor:
    """∇x (2, 1, C, H, W), differences of neighbours down and across; 0 at the last row and column."""
    found = torch.zeros(2, *x.shape).to(x)
    found[0, ..., :-1, :], found[1, ..., :-1] = x.diff(dim=-2), x.diff(dim=-1)
    return found


def falling(slope: Tensor) -> Tensor:
    """∇ᵀ of slopes (2, 1, C, H, W)."""
    down, across = slope[0, ..., :-1, :], slope[1, ..., :-1]
    found = torch.zeros_like(slope[0])
    found[..., 1:, :] += down
    found[..., :-1, :] -= down
    found[..., 1:] += across
    found[..., :-1] -= across
    return found
