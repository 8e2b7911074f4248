"""Stripes: they are found in photographs with and without noise, and in nothing that is drawn."""

import numpy as np
import pytest
import torch
from clean import KINDS
from numpy.typing import NDArray
from skimage import data
from torch import Tensor

import ipse
from ipse.noise.stripes import stripes

Array = NDArray[np.float64]


def photograph(name: str, side: int = 192) -> Array:
    picture = np.asarray(getattr(data, name)(), dtype=np.float64)
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return picture[top : top + side, left : left + side]


def damaged(x: Array, offsets: float, sigma: float, *, axis: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(4)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    y = x + rng.normal(0, offsets, shape) + rng.normal(0, sigma, x.shape)
    return y.clip(0, 255).round().astype(np.uint8)


def tensor(pixels: Array | NDArray[np.uint8]) -> Tensor:
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    return torch.from_numpy(planes.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def psnr(a: Array | NDArray[np.uint8], b: Array) -> float:
    return 10 * np.log10(255**2 / np.mean((np.asarray(a, dtype=np.float64) - b) ** 2))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sigma", [0, 5])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_stripes_are_found(name: str, sigma: float, axis: int) -> None:
    x = photograph(name)
    y = damaged(x, 5, sigma, axis=axis)
    found = stripes(tensor(y))
    assert found is not None
    assert bool(found.rows.any()) is (axis == 0)
    assert bool(found.columns.any()) is (axis == 1)
    assert 3 < 255 * found.sigma < 7
    without = found.without(tensor(y))[0].permute(1, 2, 0).numpy().reshape(x.shape) * 255
    noisy = damaged(x, 0, sigma)
    added, left = (np.mean((p.astype(np.float64) - x) ** 2) - np.mean((noisy - x) ** 2) for p in (y, without))
    assert left < 0.45 * added  # of the error that they add


@pytest.mark.parametrize("name", ["astronaut", "coffee", "camera", "chelsea", "rocket", "retina"])
@pytest.mark.parametrize("sigma", [0, 15])
def test_photographs_have_none(name: str, sigma: float) -> None:
    assert stripes(tensor(damaged(photograph(name, 256), 0, sigma))) is None


@pytest.mark.parametrize("kind", KINDS)
def test_drawings_have_none(kind: str) -> None:
    for number in (201, 202):
        assert stripes(tensor(KINDS[kind](number))) is None


def test_one_channel() -> None:
    found = stripes(tensor(damaged(photograph("astronaut")[..., 1], 5, 5)))
    assert found is not None
    assert found.rows.shape == (1, 1, 192, 1)


def test_both_directions_and_many_channels() -> None:
    x = photograph("astronaut", 256).mean(2, keepdims=True).repeat(8, 2)
    both = damaged(damaged(x, 4, 0).astype(np.float64), 4, 3, axis=1)
    found = stripes(tensor(both))
    assert found is not None
    assert bool(found.rows.any())
    assert bool(found.columns.any())
    assert found.said.startswith("stripes: rows and columns are off by")


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (127, 400), (200, 200)])
def test_small_and_constant_pictures_have_none(shape: tuple[int, int]) -> None:
    assert stripes(torch.full((1, 1, *shape), 0.5)) is None


@pytest.mark.parametrize("sigma", [0, 10])
def test_enhance_removes_them(sigma: float) -> None:
    x = photograph("coffee")
    y = damaged(x, 5, sigma)
    result = ipse.enhance(y, preset="fast")
    assert "stripes: rows" in str(result.estimates["noise" if sigma else "found"])
    assert psnr(result.image, x) > psnr(y, x) + 5
