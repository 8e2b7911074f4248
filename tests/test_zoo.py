"""Every network of the zoo in a task, from every latent, at sizes that it cannot halve."""

from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut

from ipse import tasks
from ipse.engine import networks
from ipse.engine.fit import Fit
from ipse.engine.problem import Problem
from ipse.pictures import Picture
from ipse.settings import Settings

SMALL = astronaut()[80:101, 200:237]
FLAT = [name for name in networks.names() if name != "fast3d"]  # which wants a stack


def upscaled(settings: Settings) -> Problem:
    problem = tasks.find("upscale")(Picture.from_array(SMALL), settings, factor=2)
    assert isinstance(problem, Problem)
    return problem


@pytest.mark.parametrize("latent", ["noise", "meshgrid", "image"])
@pytest.mark.parametrize("name", FLAT)
def test_every_network_draws_the_whole_picture_from_every_latent(name: str, latent: Any) -> None:
    problem = upscaled(Settings(network=name, latent=latent, steps=2, preset="fast"))
    prior = problem.prior
    assert prior is not None
    stride, step, least = (getattr(prior.network, key) for key in ("stride", "latent_stride", "min_size"))
    padded = [max(least, -(-side // stride) * stride) for side in (42, 74)]
    # Neither cut off nor magnified: the latent covers the padded picture, and no more.
    assert [side * step for side in prior.z.shape[-2:]] == padded
    *_, last = Fit(problem)
    assert last.raw.shape == (1, 3, 42, 74)
    assert last.raw.isfinite().all()


@pytest.mark.parametrize("name", ["texture", "dcgan", "deep_decoder", "conv_decoder"])
def test_every_network_of_the_zoo_learns(name: str) -> None:
    losses = [state.loss for state in Fit(upscaled(Settings(network=name, steps=40, preset="fast")))]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_the_picture_as_a_latent_is_the_picture_enlarged() -> None:
    prior = upscaled(Settings(network="texture", latent="image")).prior
    assert prior is not None
    z = prior.z[0, :, :42, :74].numpy()
    again = z.reshape(3, 21, 2, 37, 2).mean((2, 4))
    assert np.abs(again - SMALL.transpose(2, 0, 1) / 255).mean() < 0.02


@pytest.mark.parametrize("name", [name for name in FLAT if name != "skip"])
def test_the_paper_s_recipe_takes_other_networks(name: str) -> None:
    problem = upscaled(Settings(network=name, preset="paper", steps=1))
    assert problem.recipe.learning_rate == (0.001 if name in ("unet", "resnet") else 0.01)
    *_, last = Fit(problem)
    assert last.raw.shape == (1, 3, 42, 74)
