"""Outputs in a hole are averaged the longer the deeper it is; late steps count unless their score has risen."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from ipse import tasks
from ipse.engine.problem import Problem
from ipse.engine.stopping import State
from ipse.pictures import Picture
from ipse.settings import Settings

SIDE = 128
SQUARES = (8, 14, 20, 32, 44)  #: sides of holes, pixels


def posed(hole: NDArray[np.bool_], settings: Settings | None = None) -> Problem:
    """How the pixels of a photograph that ``hole`` marks are to be filled."""
    picture = Picture.from_array(np.where(hole, 0, data.camera()[:SIDE, :SIDE]).astype(np.uint8))
    made = tasks.find("inpaint")(picture, settings or Settings(), mask=hole, polarity="white-is-hole")
    assert isinstance(made, Problem)
    return made


def square(side: int) -> NDArray[np.bool_]:
    """A hole in the middle of the left half."""
    hole = np.zeros((SIDE, SIDE), np.bool_)
    hole[40 : 40 + side, 10 : 10 + side] = True
    return hole


def test_the_deeper_a_hole_the_more_steps_are_averaged() -> None:
    scattered, *deeper = (posed(square(side), Settings(latent="meshgrid")).recipe for side in SQUARES)
    windows = [1 / (1 - recipe.average) for recipe in deeper]
    assert windows == sorted(set(windows))
    assert windows[0] < 1 / (1 - scattered.average) < windows[-1]  # of thin gaps it is the engine's own
    assert windows[-1] > deeper[-1].steps  # the mean of all


def test_the_smooth_fill_is_mixed_in_as_held_out_squares_say() -> None:
    hole = torch.from_numpy(square(20))
    made = posed(square(20))
    assert made.pilot is not None
    (smooth,) = made.pilot()
    clean = torch.from_numpy(data.camera()[:SIDE, :SIDE] / 255).float()[None, None]
    for error, share in ((0, 0), (0.5, 1 / 33), (1, 1 / 3), (-2, 8 / 9)):  # error: of the smooth fill's
        fit = torch.lerp(clean, smooth, error).where(~hole, smooth)
        apart = made.outputs(fit + 0.04 * hole) - made.outputs(fit)
        torch.testing.assert_close(apart[..., hole], torch.full((1, 1, 400), 0.04 * (1 - share)))
        assert not apart[..., ~hole].any()


@pytest.mark.parametrize("preset", ["fast", "good", "best"])
def test_a_late_step_is_kept_until_its_score_has_clearly_risen(preset: str) -> None:
    problem = posed(square(20), Settings(preset=preset))  # type: ignore[arg-type]  # it is one
    x, scores = torch.zeros(1, 1, 1, 1), [1.0, 0.5, 0.6, 0.64, 0.7, 0.62]
    states = [State(5 * i, 1.0, x, x, score, 0.0) for i, score in enumerate(scores, 1)]
    assert [problem.rule(state).best for state in states] == [True, True, True, True, False, True]
