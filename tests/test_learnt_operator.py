"""A down-sampler that is fitted with the picture: it starts as the fixed one, and finds another where it can."""

import itertools
import pickle

import pytest
import torch
from skimage.data import astronaut
from torch import Tensor, nn

from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.operators import Downsample, LearntDownsample
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe
from ipse.errors import OptionError

SIDE = 48
FACE = torch.from_numpy(astronaut()[60 : 60 + SIDE, 170 : 170 + SIDE] / 255).float().movedim(2, 0)[None]


def soft(factor: int, sigma: float) -> LearntDownsample:
    """A camera with a Gaussian of its own."""
    operator = LearntDownsample(factor)
    t = torch.arange(len(operator.start)) - (len(operator.start) - 1) / 2
    taps = torch.exp(-((t / sigma) ** 2) / 2)
    operator.start = torch.outer(taps, taps) / taps.sum() ** 2
    return operator.requires_grad_(False)


def distance(found: Tensor, true: Tensor) -> float:
    return float((found.detach() - true).norm() / true.norm())


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos2", "lanczos3", "gauss12", "box"])
@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_it_starts_as_the_fixed_one(factor: int, kernel: str) -> None:
    x = torch.rand(2, 3, 19, 26, generator=torch.Generator().manual_seed(0))
    learnt = LearntDownsample(factor, kernel=kernel)  # type: ignore[arg-type]
    torch.testing.assert_close(learnt(x), Downsample(factor, kernel=kernel)(x), rtol=1e-4, atol=1e-5)  # type: ignore[arg-type]


def test_it_is_linear_pickles_and_keeps_a_constant_whatever_is_learnt() -> None:
    operator = LearntDownsample(3)
    with torch.no_grad():
        operator.moved.normal_(0, 0.1, generator=torch.Generator().manual_seed(0))
    x, u = torch.rand(2, 1, 2, 11, 14, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(operator(3 * x - u), 3 * operator(x) - operator(u), atol=1e-5, rtol=1e-4)
    y = torch.rand(operator(x).shape, generator=torch.Generator().manual_seed(2))
    back = operator.adjoint(y, x.shape)
    torch.testing.assert_close((operator(x) * y).sum(), (x * back).sum())
    assert torch.equal(pickle.loads(pickle.dumps(operator))(x), operator(x))
    flat = operator(torch.full((1, 1, 9, 10), 0.7))
    torch.testing.assert_close(flat, torch.full_like(flat, 0.7))
    with pytest.raises(OptionError, match="factor is 9"):
        LearntDownsample(9)


def test_a_kernel_is_found_from_a_picture_that_is_known() -> None:
    true, learnt = soft(2, 1.6), LearntDownsample(2)
    before = distance(learnt.kernel, true.kernel)
    prior = Prior(nn.Identity(), FACE, size=(SIDE, SIDE))
    recipe = Recipe(60, 1.0, optimiser="lbfgs")
    *_, last = Fit(Problem(prior, LeastSquares(true(FACE), learnt), recipe, learnt=learnt))
    assert last.loss < 1e-8
    assert distance(learnt.kernel, true.kernel) < 0.01 * before


def half_known(*, learn: bool, steps: int) -> tuple[Problem, LearntDownsample]:
    """A small picture of a camera, and the left half of what it saw."""
    true, operator = soft(2, 1.6), LearntDownsample(2)
    with seeded(0):
        network = build("fast", 32, 3)
        z = torch.randn(1, 32, SIDE // 2, SIDE // 2)
    known = torch.zeros(1, 1, 1, SIDE)
    known[..., : SIDE // 2] = 1
    objective = 10 * LeastSquares(true(FACE), operator) + 5 * LeastSquares(FACE, weight=known)
    prior = Prior(network, z, size=(SIDE, SIDE))
    recipe = Recipe(steps, 0.01, average=0.95)
    learnt = operator if learn else None
    return Problem(prior, objective + 0.002 * TotalVariation(), recipe, learnt=learnt), operator


def test_kernel_and_network_are_found_together_and_both_are_better_for_it() -> None:
    errors: dict[bool, tuple[float, float]] = {}
    for learn in (False, True):
        problem, operator = half_known(learn=learn, steps=240)
        *_, last = Fit(problem)
        unknown = (last.average - FACE)[..., SIDE // 2 + 4 :].square().mean()
        errors[learn] = distance(operator.kernel, soft(2, 1.6).kernel), float(unknown)
    assert errors[True][0] < 0.6 * errors[False][0]
    assert errors[True][1] < 0.95 * errors[False][1]


def test_only_what_is_learnt_moves_and_a_resumed_fit_is_the_same_to_the_bit() -> None:
    still, operator = half_known(learn=False, steps=3)
    list(Fit(still))
    assert not operator.moved.any()
    problem, operator = half_known(learn=True, steps=8)
    whole = [state.loss for state in Fit(problem)]
    assert operator.moved.any()
    first = Fit(half_known(learn=True, steps=8)[0])
    before = [state.loss for state in itertools.islice(first, 4)]
    second = Fit(half_known(learn=True, steps=8)[0])
    second.load_state_dict(first.state_dict())
    assert before + [state.loss for state in second] == whole
