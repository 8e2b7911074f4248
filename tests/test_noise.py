"""Noise estimates against noise that is known."""

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

import ipse
from ipse.noise import estimate, impulses, speckle_gain, white
from ipse.noise.by_brightness import variances
from ipse.noise.correlated import correlated
from ipse.noise.squares import squares


def photo(name: str = "coffee") -> Tensor:
    pixels = torch.from_numpy(getattr(data, name)()).float() / 255
    return pixels[None, None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)[None].contiguous()


def normal(shape: tuple[int, ...] | torch.Size, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(shape), dtype=np.float32))


def ramp(size: int = 256) -> Tensor:
    return torch.linspace(0.1, 0.8, size).expand(1, 3, size, size).contiguous()


class TestWhite:
    @pytest.mark.parametrize("name", ["coffee", "camera", "chelsea"])
    @pytest.mark.parametrize("sigma", [5, 15, 25, 50])
    def test_photos(self, name: str, sigma: float) -> None:
        truth = photo(name)[..., :256, :256]
        y = (truth + normal(truth.shape) * sigma / 255).clamp(0, 1)
        found = estimate(y)
        assert found.kind == "gaussian"
        assert 255 * found.sigma == pytest.approx(sigma, rel=0.12)

    @pytest.mark.parametrize("side", [24, 48, 96])
    def test_small_pictures(self, side: int) -> None:
        y = 0.5 + 0.1 * normal((1, 1, side, side))
        assert white(y) == pytest.approx(0.1, rel=0.2)

    def test_channels_are_averaged_by_energy(self) -> None:
        y = 0.5 + torch.tensor([0.05, 0.1, 0.15])[:, None, None] * normal((1, 3, 128, 128))
        assert white(y) == pytest.approx(((0.05**2 + 0.1**2 + 0.15**2) / 3) ** 0.5, rel=0.05)

    def test_large_pictures_are_read_in_squares(self) -> None:
        y = torch.arange(3000.0).expand(1, 1, 1500, 3000)
        assert squares(y).shape[-2:] == (1024, 1024)
        assert float(squares(y).min()) == 0
        assert float(squares(y).max()) == 2999
        assert squares(y[..., :600, :600]).shape[-2:] == (600, 600)

    @pytest.mark.parametrize(
        "size", [(1000, 16000), (40, 200_000), (200_000, 40), (1, 3_000_000), (5000, 300)]
    )
    def test_long_ones_too(self, size: tuple[int, int]) -> None:
        y = torch.zeros(1, 1, 1, 1).expand(1, 1, *size)
        found = squares(y).shape[-2:]
        assert min(found) == min(size)
        assert 2**19 < found[0] * found[1] <= 2**21


class TestNothing:
    @pytest.mark.parametrize(
        "name", ["coffee", "chelsea", "camera", "page", "brick", "grass", "gravel", "coins"]
    )
    def test_clean_photos(self, name: str) -> None:
        found = estimate(photo(name))
        assert found.kind == "none"
        assert found.sigma < 1 / 255
        assert "no noise" in found.said

    @pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
    def test_constants(self, value: float) -> None:
        assert estimate(torch.full((1, 3, 80, 80), value)).kind == "none"

    @pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 9), (1, 40, 2), (4, 3, 3), (3, 8, 8)])
    def test_tiny(self, shape: tuple[int, int, int]) -> None:
        assert estimate(torch.rand(1, *shape)).kind == "none"

    def test_gradients_of_8_bits(self) -> None:
        assert estimate((ramp() * 255).round() / 255).kind == "none"

    def test_edges(self) -> None:
        squares_of_8 = ((torch.arange(96)[:, None] // 8 + torch.arange(96) // 8) % 2).float()
        assert estimate(squares_of_8[None, None]).kind == "none"


class TestByBrightness:
    @pytest.mark.parametrize("peak", [30, 100])
    def test_photon_noise(self, peak: int) -> None:
        truth = photo()
        counts = np.random.default_rng(0).poisson(truth.numpy() * peak).astype(np.float32)
        found = estimate(torch.from_numpy(counts / peak).clamp(0, 1))
        assert found.kind == "poisson"
        assert found.gain == pytest.approx(1 / peak, rel=0.25)
        assert found.sigma < 0.04

    @pytest.mark.parametrize("strength", [0.1, 0.2])
    def test_speckle(self, strength: float) -> None:
        truth = ramp()
        y = (truth * (1 + strength * normal(truth.shape))).clamp(0, 1)
        found = estimate(y)
        assert found.kind == "speckle"
        assert found.gain == pytest.approx(strength, rel=0.1)
        assert speckle_gain(y) == pytest.approx(strength, rel=0.1)

    def test_the_choice_of_flat_blocks_does_not_favour_quiet_ones(self) -> None:
        y = 0.5 + 0.05 * normal((1, 3, 256, 256))
        _, variance, count = variances(y)
        assert float((variance * count).sum() / count.sum()) == pytest.approx(0.05**2, rel=0.05)


class TestImpulses:
    @pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
    @pytest.mark.parametrize("name", ["coffee", "camera"])
    def test_share_and_place(self, name: str, share: float) -> None:
        y = photo(name)[..., :320, :320].contiguous()
        draw = torch.from_numpy(np.random.default_rng(0).random(y.shape[-2:]))
        pepper, salt = draw < share / 2, draw > 1 - share / 2
        y[..., pepper], y[..., salt] = 0.0, 1.0
        found = estimate(y)
        assert found.kind == "salt-and-pepper"
        assert found.fraction == pytest.approx(share, rel=0.1)
        assert found.sigma == 0
        mask = impulses(y)[0, 0]
        assert (
            float((mask & ~(pepper | salt)).float().mean()) < 0.01
        )  # the picture has black and white of its own
        assert float((~mask & (pepper | salt)).float().mean()) < 0.003

    @pytest.mark.parametrize("value", [0.0, 1.0])
    @pytest.mark.parametrize("share", [0.01, 0.02])
    def test_of_one_colour(self, value: float, share: float) -> None:
        y = photo("chelsea")[..., :200, :200]
        hit = torch.from_numpy(np.random.default_rng(1).random(y.shape[-2:])) < share
        y[..., hit] = value
        found = estimate(y)
        assert found.kind == "salt-and-pepper"
        assert found.fraction == pytest.approx(share, rel=0.2)

    @pytest.mark.parametrize("sigma", [10, 25])
    def test_with_gaussian_noise(self, sigma: float) -> None:
        y = photo("chelsea")[..., :200, :200]
        y = (y + sigma / 255 * normal(y.shape)).clamp(0, 1)
        draw = torch.from_numpy(np.random.default_rng(1).random(y.shape[-2:]))
        y[..., draw < 0.025], y[..., draw > 0.975] = 0.0, 1.0
        found = estimate(y)
        assert found.kind == "salt-and-pepper"
        assert found.fraction == pytest.approx(0.05, rel=0.2)
        assert 255 * found.sigma == pytest.approx(sigma, rel=0.15)
        assert "salt and pepper" in found.said
        assert "Gaussian" in found.said

    @pytest.mark.parametrize("peak", [1, 2, 3, 10, 30])
    def test_photons_are_none(self, peak: int) -> None:
        counts = np.random.default_rng(0).poisson(photo()[..., :200, :200].numpy() * peak) / peak
        assert float(impulses(torch.from_numpy(counts).float().clamp(0, 1)).float().mean()) < 0.001

    def test_ordinary_pixels_are_as_quiet_as_in_a_picture(self) -> None:
        values = torch.from_numpy(np.random.default_rng(0).uniform(0.02, 0.98, (1, 1, 128, 128))).float()
        y = torch.where(torch.from_numpy(np.random.default_rng(1).random((128, 128))) < 0.1, 1.0, values)
        assert not impulses(y).any()

    @pytest.mark.parametrize("sigma", [0.1, 0.2, 0.4])
    def test_clipped_gaussian_noise_is_none(self, sigma: float) -> None:
        y = (photo("camera") + sigma * normal((1, 1, 512, 512))).clamp(0, 1)
        assert not impulses(y).any()

    def test_clean_drawings_have_none(self) -> None:
        y = torch.ones(1, 1, 64, 64)
        y[..., 20:24, :] = 0
        y[..., :, 40] = 0
        assert not impulses(y).any()


class TestCorrelated:
    def smooth(self, shape: tuple[int, ...]) -> Tensor:
        """Noise of σ = 1 that hardly changes from pixel to pixel."""
        coarse = normal((*shape[:-2], shape[-2] // 2, shape[-1] // 2))
        fine = interpolate(coarse, scale_factor=2, mode="bicubic")
        return fine / fine.std()

    def test_found_though_it_is_not_white(self) -> None:
        truth = interpolate(avg_pool2d(photo(), 8), scale_factor=8, mode="bicubic")
        y = truth + 3 / 255 * self.smooth((1, 1, *truth.shape[-2:]))
        found = estimate(y)
        assert found.kind == "correlated"
        assert 2 < 255 * found.sigma < 6
        assert found.correlation > 2

    def test_white_noise_is_not(self) -> None:
        assert correlated(ramp() + 3 / 255 * normal((1, 3, 256, 256))) is None

    def test_said(self) -> None:
        y = ramp() + 3 / 255 * self.smooth((1, 3, 256, 256))
        assert "camera noise" in estimate(y).said

    def test_gray_could_be_texture_unless_told(self) -> None:
        y = (ramp() + 3 / 255 * self.smooth((1, 1, 256, 256)))[:, :1]
        assert correlated(y) is None
        assert correlated(y, told=True) is not None

    @pytest.mark.parametrize(("white_too", "found"), [(0.5, True), (2.0, False)])
    def test_it_is_louder_an_octave_down(self, white_too: float, found: bool) -> None:
        y = ramp() + 2.5 / 255 * self.smooth((1, 3, 256, 256)) + white_too / 255 * normal((1, 3, 256, 256))
        assert (correlated(y) is not None) == found

    @pytest.mark.parametrize(("growth", "found"), [(0.0, True), (6.0, False)])
    def test_it_is_not_louder_two_octaves_down(self, growth: float, found: bool) -> None:
        coarse = interpolate(self.smooth((1, 3, 128, 128)), scale_factor=2, mode="bicubic")
        y = ramp() + 2 / 255 * self.smooth((1, 3, 256, 256)) + growth / 255 * coarse
        assert (correlated(y) is not None) == found


class TestChannels:
    """Noise that differs between channels, as a camera's does: a level a channel, and not taken for photon noise."""

    @pytest.mark.parametrize("sigmas", [(12, 8, 20), (15, 10, 30), (5, 5, 40)])
    def test_a_level_a_channel_is_found(self, sigmas: tuple[float, ...]) -> None:
        x = torch.from_numpy(data.astronaut()[:192, :192].astype(np.float32) / 255).permute(2, 0, 1)[None]
        draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        found = estimate((x + draw * torch.tensor(sigmas)[:, None, None] / 255).clamp(0, 1))
        assert found.kind == "gaussian"
        assert [255 * sigma for sigma in found.levels] == pytest.approx(sigmas, rel=0.25)

    @pytest.mark.parametrize("sigma", [10, 30])
    def test_equal_levels_are_one(self, sigma: float) -> None:
        x = torch.from_numpy(data.coffee()[:192, :192].astype(np.float32) / 255).permute(2, 0, 1)[None]
        draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        assert estimate((x + draw * sigma / 255).clamp(0, 1)).levels == ()

    def test_the_pilot_is_told_each(self) -> None:
        x = data.coffee()[100:196, 200:296].astype(np.float32) / 255
        y = x + np.random.default_rng(0).normal(0, 1, x.shape) * np.array([12, 8, 30]) / 255
        y = (255 * y.clip(0, 1)).round().astype(np.uint8)
        errors = [
            np.square(np.asarray(ipse.denoise(y, preset="fast", **told).image) / 255 - x).mean()
            for told in ({}, {"sigma": 19.2, "noise": "gaussian"})
        ]
        assert errors[0] < 0.93 * errors[1]
