"""L-BFGS instead of Adam, and the latent as well as the network."""

import itertools
from typing import Literal

import pytest
import torch
from torch import nn

from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe


def problem(optimiser: Literal["adam", "lbfgs"], *, learn_latent: bool = False) -> Problem:
    y = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    with seeded(0):
        network = build("resnet", 2, 1, blocks=1, channels=4)
        z = torch.rand(1, 2, 12, 12)
    prior = Prior(network, z, size=(12, 12), learn_latent=learn_latent)
    rate = 1.0 if optimiser == "lbfgs" else 0.01
    return Problem(prior, LeastSquares(y), Recipe(25, rate, optimiser=optimiser))


def test_lbfgs_solves_a_quadratic_in_fewer_steps_than_it_has_unknowns() -> None:
    y = torch.randn(1, 1, 5, 6, generator=torch.Generator().manual_seed(0))
    weight = torch.linspace(0.2, 3, 30).reshape(1, 1, 5, 6)
    prior = Prior(nn.Sequential(nn.Identity()), torch.zeros(1, 1, 5, 6), size=(5, 6), learn_latent=True)
    *_, last = Fit(Problem(prior, LeastSquares(y, weight=weight), Recipe(25, 1.0, optimiser="lbfgs")))
    assert last.loss < 1e-8
    torch.testing.assert_close(last.raw, y, atol=1e-3, rtol=0)


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_resumed_fit_is_the_same_to_the_bit(optimiser: Literal["adam", "lbfgs"]) -> None:
    whole = [state.loss for state in Fit(problem(optimiser, learn_latent=True))]
    first = Fit(problem(optimiser, learn_latent=True))
    before = [state.loss for state in itertools.islice(first, 10)]
    second = Fit(problem(optimiser, learn_latent=True))
    second.load_state_dict(first.state_dict())
    assert before + [state.loss for state in second] == whole
    assert whole[-1] < 0.8 * whole[0]


def test_only_a_latent_that_is_learnt_changes() -> None:
    for learnt in (False, True):
        fit = Fit(problem("adam", learn_latent=learnt))
        assert fit.prior is not None
        before = fit.prior.z.detach().clone()
        fit.advance()
        assert torch.equal(fit.prior.z, before) is not learnt
