"""One photon per sample in 8 bits, with no option given."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

import ipse


def mse(samples: NDArray[np.uint8], x: NDArray[np.float64]) -> float:
    return float(((samples / 255 - x) ** 2).mean())


@pytest.fixture(scope="module")
def brightness() -> NDArray[np.float64]:
    """Photons per sample that are expected; on average about one."""
    x = astronaut()[:112, 160:272, 1] / 255
    return x / x.mean()


def test_counts_are_found_and_restored(brightness: NDArray[np.float64]) -> None:
    counts = np.random.default_rng(0).poisson(brightness)
    most = counts.max()
    y = np.rint(255 * counts / most).astype(np.uint8)
    made = ipse.denoise(y, preset="fast")
    assert made.estimates["kind"] == "poisson"
    assert f"variance {1 / most:.2g}" in made.estimates["noise"]
    assert mse(made.image, brightness / most) < 0.1 * mse(y, brightness / most)


def test_one_bit_of_them_may_be_a_dither_and_is_restored_when_told(brightness: NDArray[np.float64]) -> None:
    y = np.where(np.random.default_rng(0).poisson(brightness) > 0, 255, 0).astype(np.uint8)
    expected = 1 - np.exp(-brightness)
    assert np.array_equal(ipse.denoise(y, preset="fast").image, y)
    told = ipse.denoise(y, preset="fast", noise="poisson")
    assert mse(told.image, expected) < 0.5 * mse(y, expected)
