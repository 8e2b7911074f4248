"""Feature inversion: what a layer of a trained model still encodes about a picture, argmin_θ ‖φ(f_θ(z)) − φ(y)‖².

Among all pictures with y's features, the network finds one that looks natural. The deeper the layer, the less of y is
left. The picture is resized to the model's input size, and the result has that size.

Mahendran, Vedaldi, "Understanding Deep Image Representations by Inverting Them", 2015,
https://arxiv.org/abs/1412.0035; Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", https://arxiv.org/abs/1711.10925.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from torch import Tensor

from ipse import models
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.operators import Features
from ipse.engine.prior import Prior
from ipse.engine.problem import Problem, Recipe
from ipse.engine.stopping import Last
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tasks import _common, _paper
from ipse.tasks._annealed import Annealed

SEES = "resized"


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset."""

    steps: int  #: number of steps
    heavy: int = 2  #: factor on the number of steps with heavy noise, where each step learns less
    smoothness: float = 0.005  #: weight of the mean TV


NUMBERS = {"fast": Numbers(150), "good": Numbers(500), "best": Numbers(2000)}

Schedule = Literal["plain", "heavy"]


def invert(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    layer: Annotated[str, "Layer whose features to keep, or several separated by commas."],
    model: Annotated[str | None, "efficientnet-lite0, squeezenet, alexnet, vgg16 or vgg19."] = None,
    weights: Annotated[Path | None, "File with the model's weights."] = None,
    noise: Annotated[Schedule, "Noise on latent and weights: plain is none, heavy is annealed."] = "plain",
) -> Problem:
    """Reconstruct a picture from its features at a layer of a trained model.

    Raises:
        OptionError: the model or layer is unknown, or the weights are missing.
        PictureError: the picture is neither gray nor RGB.
    """
    trained = models.load(model, weights=weights)
    names = [name.strip() for name in layer.split(",")]
    y = trained.resized(_common.tensor(picture, settings))
    trained.to(y.device)
    paper = settings.preset == "paper"
    features = Features.like(lambda x: trained.features(x, names), y, relative=not paper)
    fidelity = LeastSquares(features(y), features)
    prior, recipe = _prior(y, settings, heavy=noise == "heavy")
    return Problem(
        prior=prior,
        objective=fidelity
        if paper
        else fidelity + NUMBERS[_common.effort(settings)].smoothness * TotalVariation(),
        recipe=recipe,
        rule=_common.rule(settings, Last),
        estimates={"model": trained.name, "weights": trained.digest, "layers": ", ".join(names)},
    )


def _prior(y: Tensor, settings: Settings, *, heavy: bool) -> tuple[Prior, Recipe]:
    """The network on noise, with the chosen noise schedule."""
    if settings.preset == "paper":
        paper = _paper.invert(heavy=heavy)
        prior, recipe = paper.prior(y, settings), paper.recipe(settings)
    else:
        numbers = NUMBERS[settings.preset]
        steps = numbers.steps * (numbers.heavy if heavy else 1)
        prior = _common.free_prior(y, settings)
        recipe = _common.recipe(settings, Recipe(steps=steps, average=0.98))
    return (Annealed(prior, steps=recipe.steps, seed=settings.seed) if heavy else prior), recipe
