"""Compare priors: the same enlargement with no prior, with total variation and with the network, side by side.

    argmin_x ‖A x − y‖²        argmin_x ‖A x − y‖² + λ TV(x)        argmin_θ ‖A f_θ(z) − y‖²

The result is one sheet [free pixels | free pixels with TV | network], each panel ``factor`` times the picture's size.
The three are fitted together by adding their losses; their gradients are independent. The command also writes each
panel to a file of its own; in Python, ``numpy.split(result.image, 3, axis=1)`` separates them.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from ipse.engine.objectives import LeastSquares, Objective, TotalVariation
from ipse.engine.operators import Downsample, Operator
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe, clipped
from ipse.engine.stopping import Last
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tasks import _common, _paper
from ipse.tasks._common import Size
from ipse.tasks._pixels import Beside, Each
from ipse.tasks.upscale import Kernel

SEES = "whole"
PANELS = ("pixels", "tv", "network")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset."""

    steps: int  #: number of steps
    smoothness: float = 0.05  #: weight of the mean TV; the best of 0.01 to 1 on the paper's picture


NUMBERS = {"fast": Numbers(250), "good": Numbers(700), "best": Numbers(2000)}
PAPER = 1e-7  # the paper's weight of the summed TV, which acts more slowly


def compare_priors(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    factor: Annotated[int, "Scale factor of each side, 2 to 8."] = 4,
    kernel: Annotated[Kernel, "Kernel it was downsampled with."] = "lanczos2",
) -> Problem:
    """Enlarge a picture with three priors side by side: none (free pixels), total variation, and the network.

    Raises:
        OptionError: an invalid factor or kernel.
    """
    y = _common.tensor(picture, settings)
    operator = Downsample(factor, kernel=kernel).to(y.device)
    prior, recipe = _three(y, settings, (y.shape[-2] * factor, y.shape[-1] * factor))
    return Problem(
        prior=prior,
        objective=_objective(y, operator, settings),
        recipe=recipe,
        rule=_common.rule(settings, Last),
        outputs=lambda x: clipped(sheet(x)),
        estimates={"panels": ", ".join(PANELS)},
    )


def sheet(x: Tensor) -> Tensor:
    """Rearrange pictures from channels (1, 3C, H, W) to side by side (1, C, H, 3W)."""
    return torch.cat(x.chunk(len(PANELS), dim=1), dim=3)


def _three(y: Tensor, settings: Settings, size: Size) -> tuple[Prior, Recipe]:
    """The network together with two pictures of free pixels."""
    paper = _paper.compare_priors() if settings.preset == "paper" else None
    alone = (paper.prior if paper else _common.free_prior)(y, settings, size=size)
    padded = [side * int(getattr(alone.network, "latent_stride", 1)) for side in alone.z.shape[-2:]]
    with seeded(settings.seed):
        beside = Beside(alone.network, free=2, channels=y.shape[1], size=(padded[0], padded[1])).to(y.device)
    recipe = Recipe(steps=NUMBERS[_common.effort(settings)].steps, average=0.99)
    prior = Prior(beside, alone.z, size=size, jitter=alone.jitter, seed=settings.seed)
    return prior, paper.recipe(settings) if paper else _common.recipe(settings, recipe)


def _objective(y: Tensor, operator: Operator, settings: Settings) -> Objective:
    """The loss of each panel, in their order."""
    fidelity, paper = LeastSquares(y, operator), settings.preset == "paper"
    smooth = (
        PAPER * TotalVariation(reduction="sum")
        if paper
        else NUMBERS[_common.effort(settings)].smoothness * TotalVariation()
    )
    return Each([fidelity, fidelity + smooth, fidelity])
