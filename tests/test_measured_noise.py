"""Noise as it is: read from quiet blocks, taken out with the covariance of a patch, moved to the median."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ipse.noise.measured import Measured, measure
from ipse.noise.residual import unevenness
from ipse.pilots._coloured import blind, guided
from ipse.pilots._patches import patches
from ipse.pilots._stationary import autocovariance, drawn, patch_covariance
from ipse.pilots.median_centred import median_centred
from ipse.pilots.non_local import non_local
from ipse.pilots.stationary import stationary


def scene(channels: int = 3, side: int = 160) -> Tensor:
    """Flat and shaded parts, edges, and a corner of texture (C, side, side)."""
    grid = torch.linspace(0, 1, side)
    x = 0.2 + 0.5 * grid[None] * torch.ones(side, 1)
    x[side // 3 : side // 2, side // 4 : side // 2] = 0.75
    x[: side // 5, : side // 5] += (
        0.15 * torch.sin(40 * grid[: side // 5, None]) * torch.sin(30 * grid[: side // 5])
    )
    shares = torch.linspace(1, 0.8, channels)
    return x[None] * shares[:, None, None]


def white(like: Tensor, sigma: float) -> Tensor:
    return sigma * torch.randn(like.shape, generator=torch.Generator().manual_seed(3))


def blurred(like: Tensor, sigma: float) -> Tensor:
    """Noise of standard deviation sigma, correlated over three pixels."""
    n = avg_pool2d(pad(white(like, 1.0)[None], (1, 1, 1, 1), mode="circular"), 3, 1)[0]
    return sigma * n / n.std()


def db(x: Tensor, y: Tensor) -> float:
    return -10 * math.log10(float((x - y).square().mean()))


def found(y: Tensor) -> Measured:
    measured = measure(y)
    assert measured is not None
    return measured


class TestMeasure:
    @pytest.mark.parametrize("sigma", [8, 12, 30])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_the_level_of_correlated_noise(self, sigma: float, channels: int) -> None:
        x = scene(channels)
        measured = found(x + blurred(x, sigma / 255))
        assert [255 * s for s in measured.sigma] == pytest.approx([sigma] * channels, rel=0.25)
        assert measured.correlation == pytest.approx(2 / 3, abs=0.15)

    def test_white_noise_is_not_correlated(self) -> None:
        x = scene()
        measured = found(x + white(x, 10 / 255))
        assert abs(measured.correlation) < 0.25
        assert [255 * s for s in measured.sigma] == pytest.approx([10] * 3, rel=0.2)

    def test_a_level_a_channel(self) -> None:
        x = scene()
        measured = found(x + blurred(x, 1 / 255) * torch.tensor([5.0, 10, 20])[:, None, None])
        assert [255 * s for s in measured.sigma] == pytest.approx([5, 10, 20], rel=0.25)

    def test_noise_that_grows_with_brightness_becomes_even(self) -> None:
        x = scene()
        y = x + blurred(x, 1.0) * 0.08 * x
        measured = found(y)
        noise = (measured.stabilised(y) - measured.stabilised(x))[0]
        dark, bright = (noise[part].std() for part in (x[0] < 0.35, x[0] > 0.55))
        assert float(bright / dark) == pytest.approx(1, abs=0.2)  # in y it is 2 or more

    def test_tones_are_undone(self) -> None:
        y = scene() + blurred(scene(), 8 / 255)
        measured = found(y)
        torch.testing.assert_close(measured.restored(measured.stabilised(y)), y, atol=2e-3, rtol=0)

    @pytest.mark.parametrize("size", [(1, 1), (1, 400), (30, 400), (47, 47)])
    def test_small_pictures_are_not_measured(self, size: tuple[int, int]) -> None:
        assert measure(torch.rand(3, *size)) is None

    @pytest.mark.parametrize(
        "y", [torch.zeros(3, 64, 64), torch.full((8, 64, 64), 0.4), torch.ones(1, 64, 64)]
    )
    def test_a_constant_has_none(self, y: Tensor) -> None:
        measured = found(y)
        assert max(measured.sigma) < 0.5 / 255

    def test_texture_leaves_an_uneven_residual(self) -> None:
        noise = unevenness(blurred(scene(), 1.0))
        texture = unevenness(blurred(scene(), 1.0) * (0.2 + scene().square() * 4))
        assert noise < 0.35
        assert texture > 2 * noise


class TestStationary:
    def test_a_patch_of_white_noise_has_a_diagonal_covariance(self) -> None:
        r = torch.zeros(2, 2, 5, 5)
        r[0, 0, 2, 2], r[1, 1, 2, 2] = 4.0, 9.0
        expected = torch.diag(torch.tensor([4.0, 9.0] * 6))  # a pixel's channels side by side
        torch.testing.assert_close(patch_covariance(r, (2, 3)), expected, atol=1e-4, rtol=0)

    def test_a_patch_has_the_covariance_of_its_samples(self) -> None:
        field = blurred(torch.zeros(2, 256, 256), 1.0)
        field = torch.stack(
            [field[0], 0.6 * field[0] + 0.8 * field[1].roll(1, 0)]
        )  # channels that differ, and share
        rows = patches(field, (2, 3))
        wanted = patch_covariance(autocovariance(field, 3), (2, 3))
        torch.testing.assert_close(wanted, rows.T @ rows / len(rows), atol=0.03, rtol=0)

    def test_a_drawn_field_has_the_autocovariance_it_was_drawn_from(self) -> None:
        wanted = autocovariance(blurred(torch.zeros(2, 256, 256), 1.0), 4)
        field = drawn(wanted, torch.Generator().manual_seed(0))
        torch.testing.assert_close(autocovariance(field, 4), wanted, atol=0.05, rtol=0)

    def test_patches_of_noise_alone_become_their_mean(self) -> None:
        N = patch_covariance(autocovariance(blurred(torch.zeros(1, 256, 256), 1.0), 4), (4, 4))
        y = torch.randn(3, 200, 16, generator=torch.Generator().manual_seed(0)) @ torch.linalg.cholesky(N).T
        estimate, _ = blind(y, N)
        assert float(estimate.square().mean() / y.square().mean()) < 0.05

    def test_a_good_guide_is_wieners_filter(self) -> None:
        draw = torch.Generator().manual_seed(0)
        x = torch.randn(1, 4000, 3, generator=draw) * torch.tensor([3.0, 1.0, 0.1])
        N = torch.tensor([[1.0, 0.5, 0], [0.5, 1, 0], [0, 0, 1]])
        y = x + torch.randn(x.shape, generator=draw) @ torch.linalg.cholesky(N).T
        S = torch.diag(torch.tensor([9.0, 1, 0.01]))
        wiener = y @ (S @ torch.linalg.inv(S + N)).T
        torch.testing.assert_close(guided(y, x, N)[0], wiener, atol=0.15, rtol=0)

    def test_beats_a_white_estimate_on_correlated_noise(self) -> None:
        x = scene()
        y = x + blurred(x, 15 / 255)
        measured = found(y)
        noisy = measured.stabilised(y)[None]
        ours = db(measured.restored(stationary(noisy, measured.covariance, preset="fast")[0]), x)
        white_told = max(db(non_local(y[None], s / 255, preset="fast")[0], x) for s in (15, 25))
        assert ours > db(y, x) + 8
        assert ours > white_told + 3

    @pytest.mark.parametrize("size", [(1, 1), (1, 70), (3, 90), (50, 7), (49, 51)])
    @pytest.mark.parametrize("channels", [1, 8])
    def test_any_size_and_number_of_channels(self, size: tuple[int, int], channels: int) -> None:
        r = torch.zeros(channels, channels, 13, 13)
        r[:, :, 6, 6] = 0.01 * torch.eye(channels)
        y = torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(0))
        x = stationary(y, r, preset="fast")
        assert x.shape == y.shape
        assert bool(x.isfinite().all())

    def test_a_constant_stays(self) -> None:
        r = autocovariance(blurred(torch.zeros(3, 128, 128), 0.05), 6)
        y = torch.full((1, 3, 64, 64), 0.3)
        torch.testing.assert_close(stationary(y, r, preset="fast"), y, atol=1e-4, rtol=0)


class TestMedianCentred:
    def test_a_bent_mean_is_moved_back(self) -> None:
        x = scene(1, 200)
        y = (
            (x.square() + white(x, 0.08)).clamp_min(1e-4).sqrt()
        )  # noise before a concave curve: too dark in the mean
        mean = x + torch.from_numpy(np.full(x.shape, float((y - x).mean()), dtype=np.float32))
        moved = median_centred(y[None], mean[None])[0]
        assert abs(float((moved - x).mean())) < 0.3 * abs(float((mean - x).mean()))

    def test_even_noise_moves_nothing(self) -> None:
        x = scene()
        moved = median_centred((x + white(x, 0.05))[None], x[None])[0]
        assert float((moved - x).abs().max()) < 0.002
