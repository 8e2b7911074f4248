"""Noise of every kind, strength and depth: counts of photons, 12 and 14 bits, stars, speckle, tiny pictures."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage import data

import ipse
from ipse import tasks
from ipse.engine.problem import Problem
from ipse.noise import Noise, counts, estimate
from ipse.noise.by_brightness import growth
from ipse.pictures import Picture
from ipse.pilots.few_photons import binning, unclipped
from ipse.settings import Settings

FAST = Settings(preset="fast")


def photo(side: int = 96) -> NDArray[np.float64]:
    return data.chelsea()[40 : 40 + side, 100 : 100 + side].astype(float)


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def photons(x: NDArray[np.float64], peak: float, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).poisson(x / 255 * peak) / peak * 255


def tensor(x: NDArray[Any]) -> torch.Tensor:
    planes = x[None] if x.ndim == 2 else np.moveaxis(x, -1, 0)
    return torch.from_numpy(np.ascontiguousarray(planes, np.float32))[None]


def eight_bits(x: NDArray[np.float64]) -> NDArray[np.uint8]:
    return x.clip(0, 255).round().astype(np.uint8)


class TestCounts:
    @pytest.mark.parametrize(("peak", "gain"), [(2, 7.5), (5, 9), (10, 9)])
    def test_few_photons_in_8_bits_are_counted(self, peak: int, gain: float) -> None:
        clean = photo()
        seen = eight_bits(photons(clean, peak))
        result = ipse.denoise(seen, preset="fast")
        assert result.estimates["kind"] == "poisson"
        assert psnr(result.image, clean) > psnr(seen, clean) + gain

    def test_they_are_summed_before_they_are_denoised(self) -> None:
        clean = photo()
        seen = photons(clean, 1)
        result = ipse.denoise((seen / 255).astype(np.float32), preset="fast")
        assert psnr(255 * np.asarray(result.image), clean) > 21.5

    def test_counts_as_they_are(self) -> None:
        clean = photo()[..., 0] / 255 * 9
        seen = np.random.default_rng(0).poisson(clean).astype(np.uint8)
        result = ipse.denoise(seen, preset="fast")
        assert np.std(result.image - clean) < 0.45 * np.std(seen - clean)

    def test_one_photon_that_is_told(self) -> None:
        clean = photo()
        seen = eight_bits(photons(clean, 1))
        result = ipse.denoise(seen, preset="fast", noise="poisson")
        assert psnr(result.image, clean) > 20

    def test_posters_and_clean_photographs_are_no_counts(self) -> None:
        for x in (
            photo(128),
            photo(128) // 64 * 64,
            photo(128) // 16 * 16,
            photo(128) // 4,
            np.full((64, 64), 3.0),
        ):
            assert counts(tensor(x / max(x.max(), 1))) is None

    def test_what_was_cut_off_at_white_comes_back(self) -> None:
        x = torch.linspace(0, 1, 9, dtype=torch.float64)
        for most in (1, 4, 20):
            k = torch.poisson((x * most).expand(200_000, 9)).clamp(max=most)
            assert float((unclipped(k.mean(0) / most, 1 / most) - x)[:-1].abs().max()) < 0.02 + 0.1 / most

    def test_film_grain_is_found(self) -> None:
        """Grain, white noise after a blur, is missed by all estimators of white noise."""
        x = data.rocket()[100:356, 150:406]
        grain = gaussian_filter(np.random.default_rng(0).normal(size=x.shape), (0.8, 0.8, 0))
        y = np.clip(np.rint(x + 15 * grain / grain.std()), 0, 255).astype(np.uint8)
        result = ipse.denoise(y, preset="fast")
        assert result.estimates["kind"] == "correlated"
        assert psnr(result.picture.to_array(), x) > psnr(y, x) + 6  # measured: 8.5

    def test_white_paper_stays_white(self) -> None:
        x = np.full((96, 96), 250.0)
        x[:, 48:] = 120
        found = ipse.denoise(eight_bits(photons(x, 30)), preset="fast", noise="poisson").image
        assert float(found[:, :40].mean()) > 244
        assert float(found[:, 56:].mean()) == pytest.approx(120, abs=3)

    def test_squares_hold_photons_enough(self) -> None:
        y = torch.full((1, 1, 64, 64), 0.5)
        assert [binning(y, gain) for gain in (0.1, 0.5, 2, 8)] == [1, 2, 4, 8]

    def test_black_is_left_alone(self) -> None:
        for kind in ("poisson", "speckle", "auto", "gaussian"):
            for value in (0, 128, 255):
                result = ipse.denoise(np.full((64, 64), value, np.uint8), noise=kind, preset="fast")
                assert result.unchanged


class TestDepth:
    @pytest.mark.parametrize(("full", "level"), [(1000, 30), (4095, 120), (16383, 480), (65535, 1900)])
    def test_measurements_of_any_depth(self, full: int, level: int) -> None:
        clean = photo().mean(2) / 255 * full
        seen = (
            (clean + np.random.default_rng(0).normal(0, level, clean.shape)).clip(0).round().astype(np.uint16)
        )
        result = ipse.denoise(seen, preset="fast")
        assert result.image.dtype == np.uint16
        assert np.std(result.image - clean) < 0.8 * level

    def test_a_star_does_not_hide_the_sky(self) -> None:
        sky = 2 * photo()[..., 0]
        seen = sky + np.random.default_rng(0).normal(0, 15, sky.shape)
        seen[[10, 50, 80], [70, 20, 40]] = 9000, 32000, 20000
        result = ipse.denoise(seen.astype(np.float32), preset="fast")
        found = np.asarray(result.image)
        assert found[50, 20] == np.float32(32000)
        rest = seen < 1000
        assert np.std((found - sky)[rest]) < 10

    def test_hot_pixels_of_a_dim_picture(self) -> None:
        clean = (photo()[..., 0] * 8).astype(np.uint16)
        seen = clean.copy()
        seen[np.random.default_rng(0).random(clean.shape) < 0.02] = 16383
        found = ipse.denoise(seen, noise="salt-and-pepper", preset="fast").image
        assert np.std(found.astype(float) - clean) < 0.1 * np.std(seen.astype(float) - clean)
        assert np.array_equal(found[seen < 16383], clean[seen < 16383])

    def test_a_faint_level_may_be_told(self) -> None:
        seen = np.random.default_rng(0).normal(30000, 60, (64, 64)).astype(np.uint16)
        found = ipse.denoise(seen, sigma=0.23, preset="fast").image
        assert np.std(found.astype(float)) < 20
        with pytest.raises(ipse.IpseError, match="more than 0"):
            ipse.denoise(seen, sigma=0)


class TestLaws:
    def test_speckle_over_a_dark_ground(self) -> None:
        clean = data.coffee()[136:264, 236:364].astype(float)
        seen = eight_bits(clean * (1 + 0.2 * np.random.default_rng(0).normal(size=clean.shape)))
        result = ipse.denoise(seen, preset="fast")
        assert result.estimates["kind"] == "speckle"
        assert psnr(result.image, clean) > psnr(seen, clean) + 9

    def test_photon_noise_of_unequal_channels(self) -> None:
        clean = data.coffee()[120:280, 220:380].astype(float)
        assert estimate(tensor(eight_bits(photons(clean, 60)) / 255)).kind == "poisson"

    def test_channels_that_differ_are_not_photon_noise(self) -> None:
        clean = data.coffee()[120:280, 220:380].astype(float)
        for levels in ((12, 8, 20), (15, 10, 30)):
            noise = np.random.default_rng(0).normal(size=clean.shape) * np.array(levels)
            assert estimate(tensor(eight_bits(clean + noise) / 255)).kind == "gaussian"

    def test_dark_speckle_stays_dark(self) -> None:
        assert (
            ipse.denoise(
                np.zeros((64, 64, 3), np.uint8), noise="speckle", sigma=15, preset="fast"
            ).image.max()
            == 0
        )
        clean = photo() * 0.07
        seen = eight_bits(clean + np.random.default_rng(0).normal(0, 15, clean.shape))
        found = ipse.denoise(seen, noise="speckle", sigma=15, preset="fast").image
        assert psnr(found, clean) > psnr(seen, clean) + 5

    def test_growth_of_few_blocks_is_none(self) -> None:
        assert growth(torch.rand(1, 3, 40, 20)) is None


class TestWhole:
    @pytest.mark.parametrize("kind", ["poisson", "speckle"])
    def test_tiles_are_told_what_the_whole_has(self, kind: str) -> None:
        clean = photo(128)
        rng = np.random.default_rng(0)
        seen = photons(clean, 30) if kind == "poisson" else clean * (1 + 0.2 * rng.normal(size=clean.shape))
        picture = Picture.from_array(eight_bits(seen))
        told = tasks.look("denoise")(picture, FAST)
        assert isinstance(told, dict)
        assert isinstance(told["noise"], Noise)
        assert told["noise"].kind == kind
        for corner in (slice(0, 48), slice(80, 128)):
            tile = tasks.find("denoise")(picture.crop(corner, corner), FAST, **told)
            assert isinstance(tile, Problem)
            assert tile.estimates["noise"] == told["noise"].said

    def test_they_check_what_is_told(self) -> None:
        with pytest.raises(ipse.IpseError, match="300"):
            tasks.look("denoise")(Picture.from_array(eight_bits(photo())), FAST, sigma=300)

    @pytest.mark.parametrize("shape", [(6, 6), (4, 500), (1, 40), (12, 12, 3)])
    def test_tiny_pictures_say_so(self, shape: tuple[int, ...]) -> None:
        seen = eight_bits(np.random.default_rng(0).normal(120, 25, shape))
        result = ipse.denoise(seen, preset="fast", channel_axis=-1 if len(shape) == 3 else None)
        assert result.unchanged
        assert "too few pixels" in result.reason
        told = ipse.denoise(seen, preset="fast", sigma=25, channel_axis=-1 if len(shape) == 3 else None)
        assert np.std(told.image) < np.std(seen)

    def test_a_told_kind_comes_with_every_preset(self) -> None:
        picture = Picture.from_array(eight_bits(photons(photo(48), 3)))
        for preset in ("fast", "good", "best"):
            made = tasks.find("denoise")(picture, replace(FAST, preset=preset), noise="poisson")
            assert isinstance(made, Problem)
            assert made.pilot is not None
            assert all(bool(x.isfinite().all()) for x in made.pilot())


def test_runs_on_few_photons_differ_where_they_err() -> None:
    clean = data.rocket()[100:260, 200:360] / 255
    seen = np.random.default_rng(0).poisson(clean * 1.0).astype(np.float32)
    found = ipse.denoise(seen, preset="fast", seeds=3)
    assert found.disagreement is not None
    assert "photon" in str(found.estimates["noise"])
    error, doubt = (
        part.reshape(20, 8, 20, 8).mean((1, 3))
        for part in (np.abs(found.image - clean).mean(-1), found.disagreement)
    )
    assert np.corrcoef(error.ravel(), doubt.ravel())[0, 1] > 0.4
