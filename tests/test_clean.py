"""Do no harm: a clean picture of whatever kind comes back to the bit; and what is not clean is still found.

The numbers of the pictures in ``clean`` that were looked at when the estimators were tuned are not used here.
"""

import numpy as np
import pytest
import torch
from clean import KINDS, Pixels
from torch import Tensor

import ipse
from ipse.engine.operators.jpeg_estimate import estimate_jpeg
from ipse.noise import estimate

UNSEEN = range(201, 203)
SAVED = ("JPEG of text", "JPEG of a screenshot", "texture", "installed")  # some of these have been JPEGs


def tensor(pixels: Pixels) -> Tensor:
    planes = pixels[..., None] if pixels.ndim == 2 else pixels
    return torch.from_numpy(planes.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()


@pytest.mark.parametrize("number", UNSEEN)
@pytest.mark.parametrize("kind", KINDS)
def test_clean_pictures_come_back_to_the_bit(kind: str, number: int) -> None:
    pixels = KINDS[kind](number)
    result = ipse.denoise(pixels, preset="fast")
    assert result.unchanged, result.estimates
    assert np.array_equal(result.image, pixels)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in SAVED])
def test_clean_pictures_have_been_no_jpeg(kind: str) -> None:
    assert estimate_jpeg(tensor(KINDS[kind](UNSEEN[0]))[0]) is None


@pytest.mark.parametrize("sigma", [5, 25])
@pytest.mark.parametrize("kind", ["dark theme", "map", "gradient", "gray code", "photograph", "screenshot"])
def test_noise_on_them_is_found(kind: str, sigma: float) -> None:
    pixels = KINDS[kind](UNSEEN[0])
    noise = np.random.default_rng(0).normal(0, sigma, pixels.shape)
    assert estimate(tensor((pixels + noise).clip(0, 255).round().astype(np.uint8))).kind != "none"
