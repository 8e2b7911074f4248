"""Cross-validation: some measurements are held out from the fit and used to score it.

With independent noise n, E‖x − y‖² over the held-out part is ‖x − clean‖² + σ². Since σ² is the same for every x, the
smallest score belongs to the best picture, even though neither the clean picture nor σ is known (Craven and Wahba
1979; Batson and Royer, Noise2Self, https://arxiv.org/abs/1901.11365).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ipse.engine.objectives.objective import Objective


def hold_out(known: Tensor, *, fraction: float, generator: torch.Generator, least: int = 16) -> Tensor:
    """Choose pixels at random to hold out from the fit.

    Args:
        known: bool (1, 1, H, W), the pixels to choose from.
        fraction: fraction of them to hold out, in [0, 1).
        generator: random generator of the choice.
        least: smallest number of held-out pixels that gives a meaningful score; if there are fewer, none is held out.

    Returns:
        bool (1, 1, H, W), True for held-out pixels.
    """
    draw = torch.rand(known.shape, generator=generator, device=known.device)
    held = known & (draw < fraction)
    return held if int(held.sum()) >= least else torch.zeros_like(known)


def hold_out_blocks(known: Tensor, *, side: int, fraction: float, generator: torch.Generator) -> Tensor:
    """Choose squares to hold out. If whole regions are missing, predicting single pixels would be too easy a test.

    Args:
        known: bool (1, 1, H, W), the pixels to choose from.
        side: side of a square, in pixels.
        fraction: approximate fraction of the known pixels to hold out; at least one square.
        generator: random generator of the choice.

    Returns:
        bool (1, 1, H, W), True for held-out pixels; all False if no whole square is known, or if a square would take
        more than a quarter of the known pixels.
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
    """mean((A x − y)²) over the held-out pixels.

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
        """The mean squared error at the held-out pixels; x is (1, C, H, W)."""
        measured = x if self.operator is None else self.operator(x)
        return (measured.flatten(2)[..., self.index] - self.values).square().mean()
