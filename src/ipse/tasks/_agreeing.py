"""λ ‖(1 − m) ⊙ S (A x − g)‖²: the penalty that makes tiles agree where pixels are missing, with a common fill g.

S is the mean over the cells by which the whole picture was downsampled.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ipse.engine.objectives import LeastSquares, Objective
from ipse.settings import Settings, Within

AGREE = 0.3  # λ


def guess_in(settings: Settings, y: Tensor) -> Tensor | None:
    """This tile's part (1, C, h, w) of the fill g of the downsampled whole picture; None if there are no tiles."""
    if not isinstance(settings, Within) or settings.guess is None:
        return None
    return torch.from_numpy(settings.guess)[None].to(y.device)


def cells(settings: Settings) -> Callable[[Tensor], Tensor]:
    """The operator S."""
    assert isinstance(settings, Within)
    step = settings.grain
    return lambda x: avg_pool2d(x, step, ceil_mode=True, count_include_pad=False)


def agreement(
    guess: Tensor,
    known: Tensor,
    settings: Settings,
    seen: Callable[[Tensor], Tensor] = lambda x: x,
) -> Objective:
    """The penalty as an objective; ``seen`` is A."""
    mean = cells(settings)
    return AGREE * LeastSquares(mean(guess), lambda x: mean(seen(x)), weight=mean(1 - known.float()))
