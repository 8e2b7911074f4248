"""Cross-validation: some measurements are kept from the fit, and score it.

With independent noise n, E‖x − y‖² over the held-out part is ‖x − clean‖² + σ²: the σ² is the same for every x, so
the smallest score is the best picture, without a clean one and with σ unknown (Craven and Wahba 1979; Batson and
Royer, Noise2Self, https://arxiv.org/abs/1901.11365).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ipse.engine.objectives.objective import Objective


def hold_out(known: Tensor, *, fraction: float, generator: torch.Generator, least: int = 16) -> Tensor:
    """Choose which known measurements the fit will not see.

    Args:
        known: bool (1, 1, H, W), what there is to choose from.
        fraction: how much of it to hold out, in [0, 1).
        generator: what the choice hangs on.
        least: below this many held-out pixels a score means nothing, so none is held out.

    Returns:
        bool (1, 1, H, W), True where held out.
    """
    draw = torch.rand(known.shape, generator=generator, device=known.device)
    held = known & (draw < fraction)
    return held if int(held.sum()) >= least else torch.zeros_like(known)


def hold_out_blocks(known: Tensor, *, side: int, fraction: float, generator: torch.Generator) -> Tensor:
    """Choose known squares: where whole regions are missing, single pixels would score something easier.

    Args:
        known: bool (1, 1, H, W).
        side: of a square, pixels.
        fraction: about how much of the known pixels to hold out; one square at least.
        generator: what the choice hangs on.

    Returns:
        bool (1, 1, H, W), True where held out; nothing where no whole square is known, or two would be half of it all.
    """
    height, width = known.shape[-2:]
    held = torch.zeros_like(known)
    room = int(known.sum())
    if 4 * side * side > room or min(height, width) < side:
        return held
    wanted = max(1, round(fraction * room / side**2))
    draws = torch.rand(50 * wanted, 2, generator=generator, device=known.device).cpu().tolist()
    for down, across in draws:
        top, left = int(down * (height - side + 1)), int(across * (width - side + 1))
        square = (..., slice(top, top + side), slice(left, left + side))
        if bool(known[square].all()) and not bool(held[square].any()):
            held[square] = True
            wanted -= 1
        if not wanted:
            break
    return held


class HeldOutError(Objective):
    """mean((A x − y)²) over the held-out pixels alone.

    Args:
        y: the measurement (1, C, H, W).
        held: bool (1, 1, H, W).
        operator: A; None is the identity.
    """

    def __init__(self, y: Tensor, held: Tensor, operator: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__()
        index = held.flatten().nonzero().squeeze(1)
        self.register_buffer("index", index, persistent=False)
        self.register_buffer("values", y.flatten(2)[..., index], persistent=False)
        self.operator = operator

    index: Tensor
    values: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """The mean squared error there; x is (1, C, H, W)."""
        measured = x if self.operator is None else self.operator(x)
        return (measured.flatten(2)[..., self.index] - self.values).square().mean()
