"""Arrays whose fourth channel is a band, or is alpha; and arrays that are masked in part."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

import ipse
from ipse.errors import PictureError

COLOURS = data.coffee()[100:164, 150:222]
BAND = data.camera()[90:154, 200:272]
RNG = np.random.default_rng(0)


def noisy(clean: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.clip(np.rint(clean + RNG.normal(0, 20, clean.shape)), 0, 255).astype(np.uint8)


def mse(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    return float(np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize("first", [False, True])
def test_a_fourth_band_is_restored(first: bool) -> None:
    clean = np.dstack([COLOURS, BAND])
    seen = noisy(clean)
    given = np.moveaxis(seen, -1, 0) if first else seen
    found = ipse.denoise(given, channel_axis=0 if first else -1, preset="fast").image
    assert found.shape == given.shape
    assert mse(found[3] if first else found[..., 3], BAND) < 0.5 * mse(seen[..., 3], BAND)


def test_a_tensors_fourth_band_is_restored() -> None:
    seen = np.moveaxis(noisy(np.dstack([COLOURS, BAND])), -1, 0)
    found = ipse.denoise(torch.from_numpy(seen / np.float32(255)), preset="fast").image
    assert mse(255 * found[3].numpy(), BAND) < 0.5 * mse(seen[3], BAND)


RAMP = np.tile(np.linspace(0, 255, BAND.shape[1]), (BAND.shape[0], 1))
ALPHAS = {
    "opaque": np.full(BAND.shape, 255, np.uint8),
    "half clear": np.full(BAND.shape, 128, np.uint8),
    "fading": RAMP.astype(np.uint8),
    "cut out": np.where(BAND > 100, 255, 0).astype(np.uint8),
    "cut out with an edge": np.where(BAND > 190, BAND, np.where(BAND > 100, 255, 0)).astype(np.uint8),
}


@pytest.mark.parametrize("kind", ALPHAS)
def test_alpha_is_carried(kind: str) -> None:
    seen = np.dstack([noisy(COLOURS), ALPHAS[kind]])
    assert np.array_equal(ipse.denoise(seen, preset="fast").image[..., 3], ALPHAS[kind])


def test_what_the_fourth_channel_is_can_be_told() -> None:
    seen = noisy(np.dstack([COLOURS, BAND]))
    assert np.array_equal(ipse.denoise(seen, alpha=True, preset="fast").image[..., 3], seen[..., 3])
    opaque = np.dstack([noisy(COLOURS), ALPHAS["opaque"]])
    assert ipse.upscale(opaque, factor=2, alpha=False, preset="fast", steps=1).picture.alpha is None


def test_what_is_masked_is_not_looked_at() -> None:
    clean = COLOURS.astype(np.float32)
    seen = (clean + RNG.normal(0, 20, clean.shape)).astype(np.float32)
    hidden = np.zeros(clean.shape, bool)
    hidden[10:20, 30:45] = True
    seen[hidden] = -9999.0  # "no data": as a measurement it would be most of the range
    found = ipse.denoise(np.ma.MaskedArray(seen, hidden), preset="fast").image
    assert isinstance(found, np.ma.MaskedArray)
    assert np.array_equal(found.mask, hidden)
    assert (found.data[hidden] == -9999).all()
    assert mse(found.data[~hidden], clean[~hidden]) < 0.4 * mse(seen[~hidden], clean[~hidden])


def test_a_mask_is_enlarged_with_its_picture() -> None:
    hidden = BAND[:24, :24] > 100
    found = ipse.upscale(np.ma.MaskedArray(BAND[:24, :24], hidden), factor=3, preset="fast", steps=1).image
    assert np.array_equal(found.mask, hidden.repeat(3, 0).repeat(3, 1))


def test_a_picture_that_is_masked_all_over_is_refused() -> None:
    with pytest.raises(PictureError, match="all samples are masked"):
        ipse.denoise(np.ma.MaskedArray(BAND, np.ones(BAND.shape, bool)))
