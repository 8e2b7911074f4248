"""The time left: what tasks say that there is to do is what is done, and both together tell the rest."""

import io

import numpy as np
import pytest
from PIL import Image

import ipse
from ipse import tasks
from ipse.pictures import read
from ipse.settings import Settings
from ipse.streams import forecast as forecasts
from ipse.streams.forecast import Forecast
from ipse.streams.open import open_stream
from ipse.streams.restoration import Restoration
from ipse.work import Clock, count


def drawn(side, sigma=20.0):
    rows, columns = np.mgrid[:side, :side]
    plain = 128 + 60 * np.sin(columns / 7) * np.cos(rows / 9)
    noisy = plain[..., None] * [1.0, 0.7, 0.4] + np.random.default_rng(0).normal(0, sigma, (side, side, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def jpeg(side, quality=70, sigma=0.0):
    file = io.BytesIO()
    Image.fromarray(drawn(side, sigma)).save(file, "JPEG", quality=quality)
    return read(io.BytesIO(file.getvalue()))


def scattered(side):
    hit = np.random.default_rng(1).random((side, side)) < 0.4
    return np.where(
        hit[..., None], np.random.default_rng(2).choice([0, 255], (side, side, 1)), drawn(side, 12)
    )


CASES = {
    "white noise": ("denoise", lambda: ipse.Picture.from_array(drawn(64)), Settings(), {}),
    "white noise, fast": ("enhance", lambda: ipse.Picture.from_array(drawn(64)), Settings(preset="fast"), {}),
    "a JPEG": ("dejpeg", lambda: jpeg(64), Settings(preset="fast"), {}),
    "a JPEG, perhaps noisy": ("enhance", lambda: jpeg(64), Settings(preset="fast"), {}),
    "a noisy JPEG": ("enhance", lambda: jpeg(96, 85, 18), Settings(preset="fast"), {}),
    "impulses and noise": (
        "denoise",
        lambda: ipse.Picture.from_array(scattered(64).astype(np.uint8)),
        Settings(preset="fast"),
        {"noise": "salt-and-pepper"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_as_much_is_done_as_was_said(case):
    task, picture, settings, options = CASES[case]
    problem = tasks.find(task)(picture(), settings, **options)
    with Clock() as clock:
        for _ in problem.pilot():
            pass
    assert clock.done == pytest.approx(problem.pilot.work, rel=0.01)


def test_a_correction_is_counted_too(monkeypatch):
    monkeypatch.setattr("ipse.pilots._correction.STEPS", 3)
    monkeypatch.setattr("ipse.pilots.bootstrap.MOST", 2)
    monkeypatch.setattr("ipse.tasks._common.effort", lambda _: "fast")
    problem = tasks.find("denoise")(ipse.Picture.from_array(drawn(48)), Settings(preset="best"))
    with Clock() as clock:
        for _ in problem.pilot():
            pass
    assert clock.done == pytest.approx(problem.pilot.work, rel=0.1)  # replicates are a few pixels smaller


class Paced:
    """A clock's seconds, which pass only as work is done: twice as many."""

    def __init__(self, monkeypatch):
        self.seconds = 0.0
        monkeypatch.setattr(Clock, "now", staticmethod(lambda: self.seconds))
        for module in ("_pieces", "non_local_means", "_correction"):
            monkeypatch.setattr(f"ipse.pilots.{module}.count", self.count)

    def count(self, work):
        self.seconds += 2 * work
        count(work)


@pytest.mark.parametrize("task", ["denoise", "enhance"])
def test_the_time_left_is_what_it_takes(monkeypatch, task):
    paced = Paced(monkeypatch)
    stream = Restoration(ipse.Picture.from_array(drawn(96)), task, Settings(preset="fast"))
    forecast, said = Forecast(stream), []
    for _ in stream:
        said.append((paced.seconds, forecast.left(), forecast.share()))
    assert len(said) > 1
    for at, left, share in said:
        assert left == pytest.approx(paced.seconds - at, abs=1e-6)
        assert share == pytest.approx(at / paced.seconds, abs=1e-6)


def test_tiles_that_follow_take_as_long_as_those_before(monkeypatch):
    paced = Paced(monkeypatch)
    stream = open_stream(ipse.Picture.from_array(drawn(128)), "denoise", Settings(preset="fast", tile=96))
    forecast, said = Forecast(stream), []
    for _ in stream:
        said.append((paced.seconds, forecast.left()))
    assert stream.index == stream.cut.count > 1
    assert all(left == pytest.approx(paced.seconds - at, rel=0.3, abs=1e-3) for at, left in said)


def test_a_large_picture_is_expected_to_be_like_its_middle(monkeypatch):
    monkeypatch.setattr(forecasts, "MIDDLE", 64)
    stream = Restoration(ipse.Picture.from_array(drawn(160)), "enhance", Settings(preset="fast"))
    forecast, seen = Forecast(stream), []
    assert forecast.left() is None
    forecast.look()
    pose = stream.posed
    monkeypatch.setattr(stream, "posed", lambda: (seen.append(forecast.left()), pose())[1])
    next(iter(stream))
    assert seen[0] == pytest.approx(forecast.posing + forecast.estimating, rel=0.2)
    assert forecast.estimating > 0


def test_a_budget_is_the_most_that_is_left():
    stream = Restoration(ipse.Picture.from_array(drawn(96)), "denoise", Settings(seconds=0.001))
    forecast = Forecast(stream)
    next(iter(stream))
    assert forecast.left() <= 0.001
