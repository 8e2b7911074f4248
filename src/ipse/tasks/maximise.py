"""Activation maximisation: argmax_θ φ_k(f_θ(z)), where k is a class, or a channel of a layer, of a trained model.

No input picture is needed; the result has the model's input size. The baseline is ``prior="pixels"``, free pixels with
total variation, which finds patterns that activate the model strongly but do not look natural.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor

from ipse import models
from ipse.devices import find_device
from ipse.engine.objectives import Activation, TotalVariation
from ipse.engine.prior import Prior
from ipse.engine.problem import Problem, Recipe
from ipse.engine.stopping import Last
from ipse.errors import OptionError, nearest
from ipse.models import Model
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tasks import _common, _paper
from ipse.tasks._pixels import Pixels

SEES = "nothing"
SMOOTHNESS = {"network": 50.0, "pixels": 300.0}  # weight of the mean TV, relative to the activation


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset."""

    steps: int  #: number of steps
    jitter: float = 0.1  #: σ of the noise on the latent


NUMBERS = {"fast": Numbers(100), "good": Numbers(300), "best": Numbers(1500)}

Unit = tuple[str, int]  # a layer and one of its channels


def maximise(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    class_: Annotated[str | None, "Class to maximise, by name or number."] = None,
    layer: Annotated[str | None, "Layer to maximise, instead of a class."] = None,
    channel: Annotated[int | None, "Channel of the layer."] = None,
    window: Annotated[int | None, "Side of the central window of the map to maximise; 1 is one unit."] = None,
    model: Annotated[str | None, "efficientnet-lite0, squeezenet, alexnet, vgg16 or vgg19."] = None,
    weights: Annotated[Path | None, "File with the model's weights."] = None,
    prior: Annotated[Literal["network", "pixels"], "Prior: the network, or free pixels."] = "network",
) -> Problem:
    """Synthesise the picture that maximally activates a class, or a channel of a layer, of a trained model.

    Raises:
        OptionError: the model, class, layer or channel is unknown, or the weights are missing.
    """
    if prior not in SMOOTHNESS:
        raise OptionError(f"prior {prior!r} is unknown: {nearest(prior, SMOOTHNESS)}")
    trained = models.load(model, weights=weights).to(find_device(settings.device))
    where, unit = _unit(trained, class_, layer, channel)
    if window is not None and window < 1:
        raise OptionError(f"window {window} is too small: give 1 (the central unit) or more")
    side = trained.wants.size
    canvas = torch.full((1, picture.channels, side, side), 0.5, device=trained.mean.device)
    plain = settings.preset == "paper"
    sure = class_ is not None and not plain
    excited = Activation(lambda x: _scores(trained, x, where, sure=sure), channel=unit, window=window)
    _check_channel(excited, trained, canvas, where)
    drawn, recipe = _drawn(canvas, settings, pixels=prior == "pixels", one_class=class_ is not None)
    said = {"class": trained.classes[unit]} if class_ is not None and trained.classes else {}
    return Problem(
        prior=drawn,
        objective=excited if plain and prior == "network" else excited + SMOOTHNESS[prior] * TotalVariation(),
        recipe=recipe,
        rule=_common.rule(settings, Last),
        estimates={"model": trained.name, "weights": trained.digest, "layer": where, "channel": unit, **said},
    )


def _unit(trained: Model, class_: str | None, layer: str | None, channel: int | None) -> Unit:
    """The layer and channel to maximise."""
    if class_ is not None and layer is None and channel is None:
        return trained.names[-1], trained.class_index(class_)
    if class_ is None and layer is not None and channel is not None:
        trained.place(layer)
        return layer, channel
    raise OptionError(
        "the target is ambiguous: give either --class NAME, or --layer NAME and --channel NUMBER"
    )


def _scores(trained: Model, x: Tensor, layer: str, *, sure: bool) -> Tensor:
    """φ(x); if ``sure``, plus log p(x), so that a class is not only likely but more likely than all others."""
    found = trained.features(x, [layer])[0]
    return found + found.log_softmax(1) if sure else found


def _check_channel(excited: Activation, trained: Model, canvas: Tensor, layer: str) -> None:
    """Check that the layer has the channel."""
    with torch.no_grad():
        count = trained.features(canvas, [layer])[0].shape[1]
    if not 0 <= excited.channel < count:
        raise OptionError(f"channel {excited.channel} is not in layer {layer!r}: give 0 to {count - 1}")


def _drawn(canvas: Tensor, settings: Settings, *, pixels: bool, one_class: bool) -> tuple[Prior, Recipe]:
    """The prior and its recipe."""
    size, paper = (canvas.shape[-2], canvas.shape[-1]), _paper.maximise(one_class=one_class)
    published = settings.preset == "paper"
    numbers = NUMBERS[_common.effort(settings)]
    recipe = Recipe(steps=numbers.steps, average=0.9)
    if pixels:
        start = canvas + 0.1 * torch.rand(
            canvas.shape, generator=_common.generator(canvas, settings), device=canvas.device
        )
        recipe = Recipe(paper.steps if published else recipe.steps, 0.01, average=recipe.average)
        return Prior(Pixels(start), canvas, size=size, seed=settings.seed), _common.recipe(settings, recipe)
    if published:
        return paper.prior(canvas, settings), paper.recipe(settings)
    free = _common.free_prior(canvas, settings)
    noisy = Prior(free.network, free.z, size=size, jitter=numbers.jitter, seed=settings.seed)
    return noisy, _common.recipe(settings, recipe)
