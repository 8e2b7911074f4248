"""Damage and lost resolution at once: the picture is restored, then enlarged."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data
from torch.nn.functional import interpolate

import ipse
from ipse.engine.operators import Downsample
from ipse.errors import OptionError

CAT = data.chelsea()[40:200, 120:280] / 255


def small(factor: int = 2) -> NDArray[np.float64]:
    x = torch.as_tensor(np.moveaxis(CAT, -1, 0))[None].float()
    return np.moveaxis(Downsample(factor)(x)[0].numpy().astype(np.float64), 0, -1).clip(0, 1)


def noisy(x: NDArray[np.float64], sigma: float) -> NDArray[np.uint8]:
    y = 255 * x + np.random.default_rng(0).normal(0, sigma, x.shape)
    return np.clip(np.rint(y), 0, 255).astype(np.uint8)


def interpolated(y: NDArray[np.uint8]) -> NDArray[np.float32]:
    x = interpolate(
        torch.as_tensor(np.moveaxis(y / 255, -1, 0))[None].float(), scale_factor=2, mode="bicubic"
    )
    return np.moveaxis(x[0].clamp(0, 1).numpy(), 0, -1)


def psnr(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def test_noise_is_removed_before_it_is_enlarged() -> None:
    y = noisy(small(), 8)
    result = ipse.enhance(y, factor=2, preset="fast")
    restored = ipse.enhance(y, preset="fast")
    assert result.image.shape == CAT.shape
    assert result.estimates["sigma"] == restored.estimates["sigma"]
    assert result.estimates["factor"] == 2
    assert psnr(result.image / 255, CAT) > psnr(interpolated(restored.image), CAT) + 0.1
    assert psnr(result.image / 255, CAT) > psnr(ipse.upscale(y, factor=2, preset="fast").image / 255, CAT) + 1


def test_a_network_enlarges_too() -> None:
    y = noisy(small()[:48, :48], 15)
    result = ipse.enhance(y, factor=2, steps=4)
    assert result.image.shape == (96, 96, 3)
    assert result.reason == "a network was fitted to the estimate"
    assert psnr(result.image / 255, CAT[:96, :96]) > psnr(interpolated(y), CAT[:96, :96])


def test_a_clean_picture_is_enlarged_only() -> None:
    y = noisy(small()[:40, :40], 0)
    result = ipse.enhance(y, factor=2, preset="fast")
    assert np.array_equal(result.image, ipse.upscale(y, factor=2, preset="fast").image)
    assert result.estimates["found"] == "lost resolution only"


@pytest.mark.parametrize("y", [np.full((9, 1), 80, np.uint8), np.zeros((6, 7, 8), np.float32)])
def test_degenerate_pictures(y: NDArray[np.generic]) -> None:
    result = ipse.enhance(y, factor=2, preset="fast")
    assert result.image.shape == (2 * y.shape[0], 2 * y.shape[1], *y.shape[2:])
    assert np.allclose(result.image, y.flat[0])


@pytest.mark.parametrize("factor", [0, 9])
def test_factors_out_of_range(factor: int) -> None:
    with pytest.raises(OptionError, match="factor"):
        ipse.enhance(noisy(small(), 15), factor=factor)


def test_the_paper_has_no_recipe_for_both() -> None:
    with pytest.raises(OptionError, match="paper"):
        ipse.enhance(noisy(small(), 15), factor=2, preset="paper")


def test_one_seed_is_one_result_and_several_disagree() -> None:
    y = noisy(small()[:40, :40], 20)
    first, again = (ipse.enhance(y, factor=2, preset="fast").image for _ in range(2))
    assert np.array_equal(first, again)
    several = ipse.enhance(y, factor=2, preset="fast", seeds=2)
    assert several.disagreement is not None
    assert several.disagreement.max() > 0
