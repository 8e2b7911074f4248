"""Seeds at once are the seeds in turn; what stops, is saved or is repeated stays what it was."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest

from ipse.pictures import Picture
from ipse.runs import plan
from ipse.settings import Settings
from ipse.streams import parts
from ipse.streams.seeds import Seeds
from ipse.tasks import upscale

STEPS = 4
X = Picture.from_array(np.random.default_rng(0).random((32, 32, 3)).astype(np.float32))
CLOSE = {"rtol": 0, "atol": 2e-3}
SLOW = {name: replace(numbers, rate=1e-4) for name, numbers in upscale.NUMBERS.items()}


@pytest.fixture(autouse=True)
def _slow(monkeypatch):
    """Small steps, for Adam makes much of the last bits in single precision."""
    monkeypatch.setattr(upscale, "NUMBERS", SLOW)


@pytest.fixture
def at_once(monkeypatch):
    """As on a GPU."""
    asked = []

    def room(_, most):
        asked.append(most)
        return min(2, most)

    monkeypatch.setattr(parts, "worthwhile", room)
    return asked


def stream(ends=None, **given):
    settings = Settings(steps=STEPS, seeds=3, network="fast", preset="fast", **given)
    return Seeds(X, "upscale", settings, {"factor": 2}, ends=ends)


def result(made):
    steps = [(made.index, event.step) for event in made if hasattr(event, "step")]
    return made.result(), steps


@pytest.fixture(scope="module")
def in_turn():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upscale, "NUMBERS", SLOW)
        made = stream()
        return result(made)[0], made.reach


def check_same(found, expected):
    np.testing.assert_allclose(found.picture.pixels, expected.picture.pixels, **CLOSE)
    np.testing.assert_allclose(found.disagreement, expected.disagreement, **CLOSE)
    assert (found.steps, found.reason) == (expected.steps, expected.reason)


def test_at_once_is_in_turn(at_once, in_turn):
    made = stream()
    found, steps = result(made)
    check_same(found, in_turn[0])
    assert made.reach == in_turn[1]
    assert steps == [(0, 1 + k // 2) for k in range(2 * STEPS)] + [(2, 1 + k) for k in range(STEPS)]
    assert at_once == [3, 1]
    assert not made.can_be_saved


def test_a_kill_loses_no_step_of_any_of_them(at_once, in_turn):
    made = stream()
    for event in made:
        if getattr(event, "step", 0) == 2:
            break
    assert made.can_be_saved
    assert made.where == "seeds 1 to 2 of 3, "
    again = stream()
    again.load_state_dict(copy.deepcopy(made.state_dict()))
    found, steps = result(again)
    check_same(found, in_turn[0])
    assert steps[:4] == [(0, 3), (0, 3), (0, 4), (0, 4)]
    assert at_once == [3, 1]


def test_what_is_left_early_is_the_first_run_and_can_be_repeated(at_once):
    made = stream()
    for event in made:
        if getattr(event, "step", 0) == 3:
            break
    found = made.result()
    assert (found.steps, [steps for _, steps in made.reach]) == (3, [3])
    again, _ = result(stream(ends=made.reach))
    np.testing.assert_allclose(found.picture.pixels, again.picture.pixels, **CLOSE)
    assert at_once == [3]  # repeated runs come in turn


@pytest.mark.usefixtures("at_once")
def test_what_is_saved_between_refinements_counts_them_once():
    def refined():
        settings = Settings(steps=STEPS, seeds=2, preset="fast")
        return Seeds(X, "upscale", settings, {"factor": 2})

    made, again = refined(), refined()
    saved = [
        copy.deepcopy(made.state_dict())
        for event in made
        if getattr(event, "refined", False) and made.can_be_saved
    ]
    again.load_state_dict(saved[0])
    check_same(result(again)[0], made.result())
    assert again.reach == made.reach


def test_left_between_two_sets_it_is_the_average_of_those_done(at_once):
    made = stream()
    for _ in itertools.takewhile(lambda _: made.index < 2, made):
        pass
    assert made.result().reason == "cancelled; the average of 2 of 3 seeds"
    assert at_once == [3]


@pytest.mark.usefixtures("at_once")
def test_time_that_is_used_up_ends_it_after_a_set():
    made = stream(seconds=1e-4)
    assert result(made)[0].reason.endswith("the time is used up")
    assert made.index in (1, 2)


def test_the_plan_counts_the_memory_of_those_at_once():
    assert plan.at_once(20, 10, None) == 8
    assert plan.at_once(3, 10, 1000) == 3
    assert plan.at_once(20, 10, 45) == 4
    assert plan.at_once(20, 10, 5) == 1
