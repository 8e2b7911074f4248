"""Numbers that decide between two ways: each where it decides."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from ipse.engine.operators import Blur
from ipse.engine.problem import Problem
from ipse.noise import by_brightness
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.restoration import Restoration
from ipse.tasks import _splitting

LIGHT, BLOCKS = torch.linspace(0.1, 0.8, 8, dtype=torch.float64), torch.full((8,), 10.0, dtype=torch.float64)


def misfits(variance: Tensor) -> tuple[float, float]:
    """Of the best line through the origin, and of the best parabola."""
    x, weight = LIGHT, BLOCKS / variance**2
    gain = (weight * x * variance).sum() / (weight * x * x).sum()
    square = (weight * x**2 * variance).sum() / (weight * x**4).sum()
    return tuple(float((weight * (variance - law) ** 2).sum()) for law in (gain * x, square * x**2))


@pytest.mark.parametrize(("ratio", "kind"), [(0.9, "speckle"), (1.1, "speckle"), (1.35, "poisson")])
def test_speckle_may_fit_a_little_worse(ratio: float, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A law of one number, s, against one of two: equally likely, it fits worse."""
    laws = [LIGHT**p * 1e-2 for p in np.linspace(1.4, 1.6, 201)]
    found = min(laws, key=lambda law: abs(misfits(law)[1] / misfits(law)[0] - ratio))
    monkeypatch.setattr(by_brightness, "variances", lambda _: (LIGHT, found, BLOCKS))
    grown = by_brightness.growth(torch.zeros(1, 1, 64, 64))
    assert grown is not None
    assert grown[0] == kind


def filled_by(score: float) -> int:
    """The step that is kept of a fit whose held-out squares are so much worse predicted than the smooth fill's are."""
    hole = np.zeros((64, 64), np.bool_)
    hole[20:44, 20:44] = True
    picture = Picture.from_array(np.where(hole, 0, data.camera()[:64, :64]).astype(np.uint8))
    told = {"mask": hole, "polarity": "white-is-hole"}
    stream = Restoration(picture, "inpaint", Settings(preset="fast", steps=5), told)
    list(stream)
    assert isinstance(stream.problem, Problem)
    assert stream.search is not None
    smooth = stream.pilot

    def scored(x: Tensor) -> Tensor:
        return torch.tensor(1.0 if x is smooth else score)

    stream.problem = replace(stream.problem, score=scored)
    stream.search.score = score
    return int(stream.best()[1]["step"])


def test_a_hole_takes_the_smooth_fill_only_if_it_is_clearly_better() -> None:
    assert filled_by(0.9) > 0
    assert filled_by(1.4) > 0
    assert filled_by(1.6) == 0


@pytest.mark.parametrize("sigma", [20, 40])
def test_tikhonov_is_smoother_the_louder_the_noise(sigma: float) -> None:
    clean = torch.from_numpy(data.camera()[90:186, 200:296] / 255).float()[None, None]
    blur = Blur(torch.full((3, 3), 1 / 9))
    y = blur(clean) + sigma / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    measured = _splitting.Measured(y, blur, torch.ones_like(y, dtype=torch.bool), (96, 96))
    first = next(_splitting.estimates(measured, sigma / 255, "fast"))

    def error(smoothness: float) -> float:
        denoise: Callable[[Tensor, float], Tensor] = lambda x, _: x  # noqa: E731 - not reached
        x = next(_splitting.splitting(measured, smoothness=smoothness, denoise=denoise, levels=[]))
        return float((x - clean).square().mean())

    found = float((first - clean).square().mean())
    assert found < 0.5 * error(_splitting.TIKHONOV)  # as if there were no noise
