"""Fits at once are the fits alone: in double precision, for in single precision Adam makes much of the last bits."""

import copy
import gc
import itertools
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ipse import tasks
from ipse.engine import fit as fit_engine
from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares, Objective
from ipse.engine.operators import LearntDownsample
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Pilot, Problem, Recipe, footprint
from ipse.engine.stopping import Last
from ipse.engine.together import stack, team
from ipse.engine.together.alike import alike
from ipse.engine.together.stack import Vectorised
from ipse.engine.until import until
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tasks._annealed import Annealed

SIDE = 64
STEPS = 6
CLOSE = {"rtol": 0, "atol": 1e-8}


def picture(seed, side=SIDE):
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0.2, 0.8, side)[:, None, None] * np.ones((1, side, 3))
    return Picture.from_array(np.float32((ramp + rng.normal(0, 0.1, ramp.shape)).clip(0, 1)))


def doubled(problem):
    """The problem in double precision."""
    for part in (problem.prior, problem.objective, problem.score):
        if part is not None:
            part.double()
    return problem if problem.pilot is None else replace(problem, pilot=Pilot(lambda: iter([pilot(problem)])))


def pilot(problem):
    """Means of the noisy picture: quick, and not the network's start."""
    return torch.nn.functional.avg_pool2d(problem.objective.y, 5, 1, 2, count_include_pad=False)


def posed(task, seed, *, steps=STEPS, **given):
    options = {"sigma": 25.0, "noise": "gaussian"} if task == "denoise" else {"factor": 2}
    side = SIDE if task == "denoise" else SIDE // 2
    return doubled(
        tasks.find(task)(picture(seed, side), Settings(seed=seed, steps=steps, **given), **options)
    )


def free(seed, *, network="fast", steps=STEPS, objective=LeastSquares, learn_latent=False, **recipe):
    """A network on noise, of nobody's task."""
    with seeded(seed):
        made = build(network, 4, 3, **({"width": 16} if network == "fast" else {}))
        step = int(getattr(made, "latent_stride", 1))
        z, y = torch.randn(1, 4, SIDE // step, SIDE // step), torch.rand(1, 3, SIDE, SIDE)
    prior = Prior(made, z, size=(SIDE, SIDE), jitter=0.1, seed=seed, learn_latent=learn_latent)
    return doubled(Problem(prior, objective(y), Recipe(steps, 0.001, **recipe)))


def pulled(searches):
    """All states of searches, copied, by search and step; and how many came in each round."""
    states, rounds = {}, []
    number = {one.fit: index for index, one in enumerate(searches)}
    for events in team.together({one.fit: iter(one) for one in searches}):
        rounds.append(len(events))
        for fit, state in events:
            states[number[fit], state.step] = (
                state.loss,
                state.score,
                state.raw.clone(),
                state.average.clone(),
            )
    return states, rounds


def alone(search):
    return {
        state.step: (state.loss, state.score, state.raw.clone(), state.average.clone()) for state in search
    }


def check_same(found, expected):
    """Together as alone, state by state."""
    assert found.keys() == expected.keys()
    for key, (loss, score, raw, average) in expected.items():
        assert found[key][0] == pytest.approx(loss, rel=1e-7), key
        assert found[key][1] == (None if score is None else pytest.approx(score, rel=1e-7)), key
        torch.testing.assert_close(found[key][2], raw, **CLOSE)
        torch.testing.assert_close(found[key][3], average, **CLOSE)


def compared(make, *, count=3, rule=lambda _: None):
    """Fit ``make(k)`` together and alone, compare all of it, and return the searches and rounds."""
    ours, theirs = ([until(Fit(make(k)), rule(k)) for k in range(count)] for _ in range(2))
    expected = {(k, step): one for k, search in enumerate(theirs) for step, one in alone(search).items()}
    found, rounds = pulled(ours)
    check_same(found, expected)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.step, mine.reason, mine.fit.step) == (other.step, other.reason, other.fit.step)
        torch.testing.assert_close(mine.best, other.best, **CLOSE)
    return ours, theirs, rounds


@pytest.mark.parametrize("task", ["denoise", "upscale"])
def test_together_is_alone(task):
    _, _, rounds = compared(lambda seed: posed(task, seed))
    assert rounds == [3] * STEPS


def test_running_moments_are_each_fits_own():
    ours, theirs, rounds = compared(lambda seed: free(seed, network="deep_decoder", steps=3))
    assert rounds == [3] * 3
    assert list(ours[0].fit.prior.network.named_buffers())
    for mine, other in zip(ours, theirs, strict=True):
        for name, buffer in other.fit.prior.network.named_buffers():
            torch.testing.assert_close(mine.fit.prior.network.get_buffer(name), buffer, **CLOSE)


def test_each_stops_by_its_own_rule_and_the_rest_goes_on():
    stops = (2, 5, 3)
    ours, theirs, rounds = compared(lambda seed: posed("upscale", seed), rule=lambda k: Last(stops[k]))
    assert rounds == [3, 3, 2, 1, 1]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.fit.team is None
        for name, weight in other.fit.prior.network.named_parameters():
            torch.testing.assert_close(mine.fit.prior.network.get_parameter(name), weight, **CLOSE)


def test_what_is_saved_on_the_way_goes_on_alone_or_together():
    expected = alone(until(Fit(posed("denoise", 1))))
    ours = [until(Fit(posed("denoise", seed))) for seed in range(3)]
    for _ in itertools.islice(team.together({one.fit: iter(one) for one in ours}), 3):
        pass
    saved = [copy.deepcopy(one.state_dict()) for one in ours]
    again = until(Fit(posed("denoise", 1)))
    again.load_state_dict(copy.deepcopy(saved[1]))
    check_same(alone(again), {step: expected[step] for step in (4, 5, 6)})
    searches = [until(Fit(posed("denoise", seed))) for seed in range(3)]
    for search, state in zip(searches, saved, strict=True):
        search.load_state_dict(state)
    found, rounds = pulled(searches)
    assert rounds == [3, 3, 3]
    check_same(
        {step: one for (k, step), one in found.items() if k == 1},
        {step: expected[step] for step in (4, 5, 6)},
    )


def test_one_that_had_stopped_when_it_was_saved_takes_no_further_step():
    stops = (2, 5, 5)

    def searches():
        return [until(Fit(posed("upscale", seed)), Last(stop)) for seed, stop in enumerate(stops)]

    ours = searches()
    for _ in itertools.islice(team.together({one.fit: iter(one) for one in ours}), 2):
        pass
    again = searches()
    for search, one in zip(again, ours, strict=True):
        search.load_state_dict(copy.deepcopy(one.state_dict()))
    found, rounds = pulled(again)
    assert rounds == [2, 2, 2]
    assert sorted(found) == [(k, step) for k in (1, 2) for step in (3, 4, 5)]
    assert [one.fit.step for one in again] == list(stops)


def test_what_is_saved_before_its_state_was_pulled_counts_the_step():
    expected = alone(until(Fit(free(1))))
    fits = [Fit(free(seed)) for seed in range(2)]
    team.join(fits)
    fits[0].advance()
    again = Fit(free(1))
    again.load_state_dict(copy.deepcopy(fits[1].state_dict()))
    assert again.step == 1
    assert again.advance().loss == pytest.approx(expected[2][0], rel=1e-7)
    assert fits[1].advance().step == 1  # nor is it lost to who pulls


def test_fits_whose_moments_are_not_of_one_age_are_not_stacked():
    fits = [Fit(free(seed)) for seed in range(3)]
    for fit in fits:
        fit.advance()
    fits[0].optimiser.state.clear()  # as a fall-back does
    team.join(fits)
    assert fits[0].team is None
    assert fits[1].team is fits[2].team is not None


def test_objectives_that_differ_by_more_than_tensors_are_called_in_turn():
    class Sum(Objective):
        def __init__(self, y):
            super().__init__()
            self.inner, self.weight = LeastSquares(y), float(y.mean())

        def forward(self, x):
            return self.weight * self.inner(x) if float(x.detach().sum()) > 0 else self.inner(x)

    _, _, rounds = compared(lambda seed: free(seed, objective=Sum))
    assert rounds == [3] * STEPS


@pytest.mark.parametrize(
    "given",
    [
        {"optimiser": "lbfgs"},
        {"learn_latent": True},
    ],
    ids=str,
)
def test_what_cannot_be_stacked_is_fitted_alone(given):
    _, _, rounds = compared(lambda seed: free(seed, steps=2, **given), count=2)
    assert rounds == [1] * 4


def test_who_falls_back_goes_on_alone_and_the_others_together(monkeypatch):
    for module in (fit_engine, stack):
        monkeypatch.setattr(module, "SAFE_EVERY", 2)
    _, theirs, rounds = compared(
        lambda seed: free(seed, fall_back=-0.01)
    )  # it is to gain 0.01 dB in two steps
    assert [bool(one.fit.optimiser.state) for one in theirs] == [
        True,
        False,
        True,
    ]  # the second fell at its last
    assert rounds == [3] * (STEPS - 1) + [2, 1]


def test_other_shapes_sizes_and_learnt_operators_are_fitted_beside():
    fits = [Fit(free(0)), Fit(free(1)), Fit(free(2, network="unet")), Fit(free(3, average=0.5))]
    learnt = LearntDownsample(2)
    fits.append(
        Fit(replace(free(4), learnt=learnt, objective=LeastSquares(torch.rand(1, 3, 32, 32), learnt)))
    )
    team.join(fits)
    assert fits[0].team is fits[1].team is not None
    assert [fit.team for fit in fits[2:]] == [None] * 3


class Fickle(nn.Module):
    """Draws what vmap cannot follow: its way hangs on its input."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, z):
        return self.conv(z) if float(z.detach().mean()) > -9 else self.conv(-z)


def test_what_fails_when_stacked_is_fitted_alone_in_the_same_numbers():
    def make(seed):
        made = free(seed)
        with seeded(seed):
            prior = Prior(Fickle(), torch.randn(1, 4, SIDE, SIDE), size=(SIDE, SIDE), jitter=0.1, seed=seed)
        return replace(made, prior=prior.double())

    _, _, rounds = compared(make)
    assert rounds[0] == 1


def test_one_that_breaks_is_its_own_misfortune():
    class Broken(LeastSquares):
        calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls > 2:
                raise RuntimeError("no more")
            return super().forward(x)

    problems = [free(0), replace(free(1), objective=Broken(torch.rand(1, 3, SIDE, SIDE).double())), free(2)]
    searches = [until(Fit(one)) for one in problems]
    streams = {one.fit: guarded(one) for one in searches}
    seen = [event for events in team.together(streams) for event in events]
    assert [state for _, state in seen if isinstance(state, str)] == ["no more"]
    for k in (0, 2):
        expected = alone(until(Fit(free(k))))
        mine = [state for fit, state in seen if fit is searches[k].fit]
        assert [state.step for state in mine] == list(expected)
        assert mine[-1].loss == pytest.approx(expected[STEPS][0], rel=1e-7)


def guarded(search):
    """A stream whose failure is its last event."""
    try:
        yield from search
    except RuntimeError as error:
        yield str(error)


def test_who_pulls_out_of_turn_goes_on_alone():
    fits = [Fit(free(seed)) for seed in range(3)]
    team.join(fits)
    states = [fits[0].advance() for _ in range(3)]
    expected = alone(until(Fit(free(0))))
    assert [state.step for state in states] == [1, 2, 3]
    assert states[-1].loss == pytest.approx(expected[3][0], rel=1e-7)
    assert fits[0].team is None
    assert fits[1].team is not None


def test_a_fit_that_left_keeps_nothing_of_the_stack_alive():
    fits = [Fit(free(seed)) for seed in range(2)]
    team.join(fits)
    for fit in fits:
        fit.advance()
    stack = weakref.ref(fits[0].team.stack)
    for fit in fits:
        fit.leave()
    gc.collect()
    assert stack() is None
    assert fits[0].average.untyped_storage().nbytes() == fits[0].average.numel() * 8


def test_networks_of_one_shape_may_still_be_others():
    assert alike(build("fast", 4, 3), build("fast", 4, 3))
    assert not alike(build("fast", 4, 3), build("fast", 4, 3, sigmoid=False))
    assert not alike(nn.LeakyReLU(0.1), nn.LeakyReLU(0.2))


def test_what_a_module_keeps_to_itself_tells_it_from_others():
    def scaled(scale):
        module = nn.Identity()
        module._scale = scale
        return module

    assert alike(scaled(1.0), scaled(1.0))
    assert not alike(scaled(1.0), scaled(2.0))


def test_what_is_kept_is_not_the_weights():
    """A convolution of 11 × 11 on a tiny picture: what it keeps is small, its weights are large."""
    network = nn.Sequential(nn.Conv2d(16, 16, 11, padding=5))
    prior = Prior(network, torch.rand(1, 16, 8, 8), size=(8, 8))
    kept, _ = footprint(Problem(prior, LeastSquares(torch.rand(1, 16, 8, 8))))
    assert 0 < kept < network[0].weight.nbytes / 4


def test_counting_what_is_kept_leaves_the_stages_of_the_noise_alone():
    prior = Annealed(
        Prior(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1)), torch.rand(1, 1, 8, 8), size=(8, 8)),
        steps=10,
        seed=0,
    )
    footprint(Problem(prior, LeastSquares(torch.rand(1, 1, 8, 8))))
    assert prior.draws == 0


def test_a_fault_of_the_stack_is_not_hidden(monkeypatch):
    """What vmap refuses is fitted alone; a mistake in our own code must be seen."""

    def broken(_):
        raise AttributeError("a mistake")

    monkeypatch.setattr(Vectorised, "computed", broken)
    fits = [Fit(free(seed)) for seed in (0, 1)]
    team.join(fits)
    with pytest.raises(AttributeError, match="a mistake"):
        fits[0].advance()


def test_as_many_as_memory_allows(monkeypatch):
    problem = free(0)
    before = problem.prior.generator.get_state()
    kept, drawn = footprint(problem)
    assert drawn == 3 * SIDE * SIDE * 8
    assert torch.equal(problem.prior.generator.get_state(), before)
    for factor, least, most in ((0.5, 1, 1), (3, 1, 2), (9, 3, 6), (1e6, 8, 8)):
        monkeypatch.setattr(team, "memory_available", lambda _, f=factor: int(f * kept))
        assert least <= team.at_once(problem, 8) <= most
    assert team.worthwhile(problem, 8) == 1  # a CPU
