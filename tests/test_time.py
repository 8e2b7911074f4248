"""A time budget is kept by every task, and is the reason that is given, where it was."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from ipse import work
from ipse.engine.operators import Downsample
from ipse.engine.problem import Problem
from ipse.engine.until import CANCELLED
from ipse.pictures import Picture
from ipse.runs.snapshots import Snapshots
from ipse.settings import Settings
from ipse.streams import restoration as module
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Estimate

SIDE = 64
CLEAN = data.astronaut()[60 : 60 + SIDE, 190 : 190 + SIDE]
SCATTERED = np.random.default_rng(0).random((SIDE, SIDE)) < 0.5


class Clock:
    """A clock on which a second passes whenever somebody looks at it."""

    def __init__(self) -> None:
        self.ticks: Iterator[int] = count()

    def perf_counter(self) -> float:
        return float(next(self.ticks))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    ticking = Clock()
    monkeypatch.setattr(module, "time", ticking)
    monkeypatch.setattr(work.Clock, "now", ticking.perf_counter)


def restored(image: np.ndarray[Any, Any], task: str, settings: Settings, **options: Any) -> Restoration:
    return Restoration(Picture.from_array(image), task, settings, options)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("preset", ["fast", "good", "best"])
@pytest.mark.parametrize(
    ("task", "options"),
    [("denoise", {"sigma": 20.0}), ("inpaint", {"mask": SCATTERED}), ("dejpeg", {"quality": 10})],
)
def test_a_pilot_stops_at_the_next_estimate(task: str, options: dict[str, Any], preset: Any) -> None:
    most = 2 if preset == "fast" else 3
    stream = restored(CLEAN, task, Settings(preset=preset, seconds=most), **options)
    seen = [event for event in stream if isinstance(event, Estimate)]
    assert [event.seconds for event in seen] == list(range(1, most + 1))
    assert stream.result().reason == f"time budget of {most} s used"


@pytest.mark.usefixtures("clock")
def test_what_refines_stops_too_and_says_so() -> None:
    stream = restored(CLEAN[::2, ::2], "upscale", Settings(preset="good", steps=4, seconds=12.0), factor=2)
    list(stream.begun())
    stream.seconds = 0.0
    refined = [event for event in stream.fitted() if isinstance(event, Estimate) and event.refined]
    assert 0 < len(refined) <= 12
    assert stream.result().reason == "time budget of 12 s used"


def test_one_that_is_done_in_time_says_so() -> None:
    stream = restored(CLEAN, "denoise", Settings(preset="fast", seconds=1e4), sigma=20.0)
    for _ in stream:
        pass
    assert "time" not in stream.result().reason


def test_the_budget_that_is_named_is_the_one_that_was_given() -> None:
    """A fit that leaves time for what refines it has a part of it only."""
    stream = restored(CLEAN[::2, ::2], "upscale", Settings(preset="good", seconds=0.05), factor=2)
    for _ in stream:
        pass
    assert stream.result().reason == "time budget of 0.05 s used"


def test_an_unfinished_refinement_is_no_worse_than_none() -> None:
    """Early rounds may be; the picture that the network drew stands until they no longer are."""
    truth = torch.from_numpy(CLEAN[:48, :48] / 255).permute(2, 0, 1)[None]
    small = (255 * Downsample(2)(truth)[0].permute(1, 2, 0)).clamp(0, 255).round().byte().numpy()
    stream = restored(small, "upscale", Settings(preset="good", steps=20), factor=2)
    drawn, worst = 0.0, 99.0
    for number, event in enumerate(stream):
        if isinstance(event, Estimate) and event.refined:
            assert stream.search is not None
            assert stream.search.best is not None
            assert isinstance(stream.problem, Problem)
            drawn, found = (
                psnr(stream.problem.outputs(x), truth) for x in (stream.search.best, event.picture)
            )
            worst = min(worst, found)
            assert stream.result().reason == CANCELLED, number
    assert worst > drawn - 0.3
    assert "all 20 steps" in stream.result().reason


def psnr(x: Tensor, truth: Tensor) -> float:
    return float(-10 * (x - truth).square().mean().log10())


def test_points_hold_what_was_written() -> None:
    stream = restored(CLEAN[:32:2, :32:2], "upscale", Settings(preset="good", steps=4), factor=2)
    snapshots = Snapshots(stream)
    for event in stream:
        snapshots(event)
    result = stream.result()
    points = snapshots.trajectory(result.step, {})
    for strength in (None, 0.0):
        found = points.pixels(points.step_at(strength))
        assert np.array_equal(np.rint(255 * found), np.moveaxis(result.picture.to_array(), -1, 0))
    assert not np.array_equal(points.pixels(points.step_at(0.5)), points.pixels(result.step))
