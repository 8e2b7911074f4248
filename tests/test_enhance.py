"""enhance: what is wrong is found, one problem is posed of it; noise under a JPEG by expectation."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import truncnorm
from skimage import data

import ipse
from ipse.engine.operators.blurred import levels
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.operators.truncated import truncated_mean
from ipse.engine.problem import Nothing
from ipse.noise.under_jpeg import white_under_jpeg
from ipse.pictures import Picture, read
from ipse.settings import Settings
from ipse.tasks._compression import compression
from ipse.tasks._noisy_jpeg import Before, before
from ipse.tasks.enhance import enhance

FAST = Settings(preset="fast")


def photo(side: int = 128) -> np.ndarray:
    """A smooth and an edgy part of a photograph, as floats (H, W, 3)."""
    return data.coffee()[100 : 100 + side, 200 : 200 + side].astype(np.float32) / 255


def noisy(x: np.ndarray, sigma: float) -> np.ndarray:
    y = x + np.random.default_rng(0).normal(0, sigma / 255, x.shape)
    return (255 * y.clip(0, 1)).round().astype(np.uint8)


def jpeg(tmp_path: Path, y: np.ndarray, quality: int) -> Path:
    path = tmp_path / "y.jpg"
    Image.fromarray(y).save(path, quality=quality)
    return path


def restored(path: Path, task: str) -> np.ndarray:
    picture = getattr(ipse, task)(path, preset="fast").image
    assert isinstance(picture, Picture)
    return 255 * picture.pixels.transpose(1, 2, 0)


def luma_of(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The integers of luma, and their steps."""
    info = read(path).jpeg
    assert info is not None
    return torch.as_tensor(info.coefficients[0]).float(), torch.as_tensor(info.components[0].table).float()


def cells_of_file(path: Path) -> JpegCells:
    """The cells of a JPEG file."""
    info = read(path).jpeg
    assert info is not None
    parts = info.components
    return JpegCells(
        info.coefficients,
        [part.table for part in parts],
        [(part.h, part.v) for part in parts],
        size=info.size,
        ycc=info.colours == "ycc",
    )


def under(path: Path) -> Before:
    """The noise before a JPEG file."""
    picture = read(path)
    found = compression(torch.as_tensor(picture.pixels)[None], picture, None)
    assert found is not None
    return before(found)


def db(x: np.ndarray, y: np.ndarray) -> float:
    return -10 * math.log10(float(((np.asarray(x, dtype=float) / 255 - y) ** 2).mean()))


class TestTruncatedMean:
    @pytest.mark.parametrize(
        ("low", "high"), [(-1.0, 1.0), (0.5, 2.0), (-3.0, -2.0), (3.0, 40.0), (-30.0, 0.1)]
    )
    @pytest.mark.parametrize("sigma", [0.7, 4.0])
    def test_is_that_of_scipy(self, low: float, high: float, sigma: float) -> None:
        ours = float(truncated_mean(torch.tensor(low), torch.tensor(high), sigma))
        assert ours == pytest.approx(
            truncnorm.mean(low / sigma, high / sigma, scale=sigma), rel=2e-3, abs=1e-4
        )

    def test_far_out_it_is_the_nearer_bound(self) -> None:
        assert float(truncated_mean(torch.tensor(50.0), torch.tensor(60.0), 1.0)) == 50
        assert float(truncated_mean(torch.tensor(-60.0), torch.tensor(-50.0), 1.0)) == -50


class TestExpected:
    @pytest.mark.parametrize("sampling", [(1, 1), (2, 2)])
    def test_lies_within_the_cells(self, tmp_path: Path, sampling: tuple[int, int]) -> None:
        path = tmp_path / "y.jpg"
        Image.fromarray(noisy(photo(64), 10)).save(
            path, quality=50, subsampling=0 if sampling == (1, 1) else 2
        )
        info = read(path).jpeg
        assert info is not None
        cells = JpegCells(
            info.coefficients,
            [part.table for part in info.components],
            [(part.h, part.v) for part in info.components],
            size=info.size,
        )
        assert cells.violation(cells.expected(cells.decode(), 10 / 255)) < 1e-3

    def test_wide_noise_makes_a_cell_uniform_and_none_keeps_the_picture(self) -> None:
        x = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        cells = JpegCells.of_picture(x, [np.full((8, 8), 20)], [(1, 1)])
        middle = cells(cells.expected(x, 10.0))
        centres = (cells(x) / 20).round() * 20
        torch.testing.assert_close(middle, centres, atol=0.1, rtol=0)
        torch.testing.assert_close(cells.expected(x, 1e-4), x, atol=1e-4, rtol=0)

    @pytest.mark.parametrize("sampling", [0, 2])
    def test_blurred_noise_has_the_level_of_a_drawn_field(self, tmp_path: Path, sampling: int) -> None:
        """In every component and frequency, as measured on a field."""
        n = np.random.default_rng(0).normal(0, 1, (512, 512, 3))
        n = gaussian_filter(n, (0.6, 0.6, 0), mode="wrap")
        n *= 6 / n.std()
        path = tmp_path / "n.jpg"
        Image.fromarray((128 + n).round().astype(np.uint8)).save(path, quality=100, subsampling=sampling)
        cells = cells_of_file(path)
        for part in cells.components:
            c = cells.get_buffer(f"integers{part.channel}") * cells.get_buffer(f"step{part.channel}")
            c[..., 0, 0] -= c[..., 0, 0].mean()
            weight = float(cells.mix[part.channel].norm())
            wanted = 6 * levels(part.factor, 0.6, weight, cells.dct)
            torch.testing.assert_close(
                c.square().mean((0, 1)).sqrt()[:4, :4], wanted[:4, :4], atol=0.1, rtol=0.12
            )


class TestWhiteUnderJpeg:
    @pytest.mark.parametrize("quality", [50, 85])
    @pytest.mark.parametrize("sigma", [10, 25])
    def test_the_level_before(self, tmp_path: Path, sigma: float, quality: int) -> None:
        y = noisy(photo(192), sigma)
        level = sigma * math.sqrt(0.299**2 + 0.587**2 + 0.114**2)
        found = white_under_jpeg(*luma_of(jpeg(tmp_path, y, quality)))
        assert found is not None
        assert found.is_noise
        assert found.sigma == pytest.approx(level, rel=0.15)

    @pytest.mark.parametrize("quality", [30, 75, 90])
    def test_texture_is_no_noise(self, tmp_path: Path, quality: int) -> None:
        found = white_under_jpeg(*luma_of(jpeg(tmp_path, data.astronaut()[:192, 100:292], quality)))
        assert found is None or not found.is_noise or found.sigma < 4


class TestBefore:
    def test_the_estimate_that_expects_noise_weighs_more_the_less_the_steps_hide(
        self, tmp_path: Path
    ) -> None:
        """From a half to 1, as σ over the steps grows."""
        weights = [under(jpeg(tmp_path, noisy(photo(192), 10), quality)).weight for quality in (30, 60, 92)]
        assert weights == sorted(weights)
        assert weights[0] >= 0.5
        assert weights[-1] == 1

    def test_where_no_noise_is_found_it_is_possible_but_not_known(self, tmp_path: Path) -> None:
        found = under(jpeg(tmp_path, data.astronaut()[:192, 100:292], 75))
        assert not found.known
        assert not found.faint
        assert 0.5 < found.weight < 1

    def test_noise_all_over_is_told_from_texture(self, tmp_path: Path) -> None:
        """Of the same strength, after a JPEG: noise of every block alike, and a photograph's texture."""
        x = np.broadcast_to(np.linspace(60, 180, 256)[None, :, None], (256, 256, 3))
        n = np.random.default_rng(0).normal(0, 3, x.shape)
        n = sum(np.roll(n, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1)) / 2
        faint = white_under_jpeg(*luma_of(jpeg(tmp_path, (x + n).round().astype(np.uint8), 75)))
        assert faint is not None
        assert faint.is_faint_noise
        for texture in (data.astronaut()[:192, 100:292], data.coffee()[100:356, 200:456], data.chelsea()):
            found = white_under_jpeg(*luma_of(jpeg(tmp_path, texture, 75)))
            assert found is None or not found.is_faint_noise


class TestEnhance:
    @pytest.mark.parametrize(("sigma", "quality"), [(10, 75), (20, 50)])
    def test_noise_under_a_jpeg_is_more_than_its_parts(
        self, tmp_path: Path, sigma: float, quality: int
    ) -> None:
        x = photo()
        path = jpeg(tmp_path, noisy(x, sigma), quality)
        ours, *parts = (db(restored(path, task), x) for task in ("enhance", "denoise", "dejpeg"))
        assert ours > max(parts) + 0.4

    def test_correlated_noise(self) -> None:
        x = np.clip(np.linspace(0.2, 0.8, 256)[None, :, None] * np.ones((256, 1, 3)), 0, 1).astype(np.float32)
        x[40:90, 30:70] = (0.7, 0.3, 0.4)
        n = np.random.default_rng(0).normal(0, 1, x.shape)
        n = sum(np.roll(n, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1)) / 2 * 12 / 255
        y = (255 * (x + n).clip(0, 1)).round().astype(np.uint8)
        result = ipse.enhance(y, preset="fast")
        assert result.estimates["kind"] == "correlated"
        assert db(np.asarray(result.image), x) > db(y, x) + 8

    def test_a_small_picture_is_too_small_to_tell_texture_from_a_cameras_noise(self) -> None:
        x = data.chelsea()[:96, :128]
        assert np.array_equal(np.asarray(ipse.enhance(x, preset="fast").image), x)

    def test_white_noise_is_denoised(self) -> None:
        y = noisy(photo(96), 25)
        ours, denoised = (np.asarray(task(y, preset="fast").image) for task in (ipse.enhance, ipse.denoise))
        assert np.array_equal(ours, denoised)

    @pytest.mark.parametrize("sigma", [0, 4])
    def test_two_estimates_serve_a_jpeg_with_faint_noise_and_one_without(
        self, tmp_path: Path, sigma: float
    ) -> None:
        """It is hardly worse than the right one of two, and it is better than the wrong one."""
        x = data.astronaut()[:160, 100:260].astype(np.float32) / 255
        n = np.random.default_rng(0).normal(0, sigma, x.shape)
        n = sum(np.roll(n, (i, j), (0, 1)) for i in (0, 1) for j in (0, 1)) / 2
        y = (255 * x + n).clip(0, 255).round().astype(np.uint8)
        path = jpeg(tmp_path, y, 75)
        posed = enhance(read(path), FAST)
        assert sigma or "perhaps of faint noise" in str(posed.estimates["found"])
        ours, dejpegged = (db(restored(path, task), x) for task in ("enhance", "dejpeg"))
        assert ours > dejpegged + (0.2 if sigma else -0.2)

    def test_a_jpeg_without_noise_is_dejpegged(self, tmp_path: Path) -> None:
        path = jpeg(tmp_path, data.astronaut()[:96, 100:196], 30)
        assert np.array_equal(restored(path, "enhance"), restored(path, "dejpeg"))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 300), (64, 64, 3), (200, 200)])
    def test_a_constant_is_left_alone(self, shape: tuple[int, ...]) -> None:
        y = np.full(shape, 77, dtype=np.uint8)
        assert np.array_equal(np.asarray(ipse.enhance(y, preset="fast").image), y)

    def test_texture_is_left_alone(self) -> None:
        buffer = io.BytesIO()
        Image.fromarray(data.brick()[:160, :160]).save(buffer, "PNG")
        picture = Picture.from_array(np.asarray(Image.open(buffer)))
        assert isinstance(enhance(picture, FAST), Nothing)


def test_white_noise_on_texture_is_not_camera_noise() -> None:
    """Texture and white noise together have the spectrum of correlated noise."""
    x = data.immunohistochemistry()[:240, :240]
    y = np.clip(np.rint(x + np.random.default_rng(0).normal(0, 10, x.shape)), 0, 255).astype(np.uint8)
    result = ipse.enhance(y, preset="fast")
    assert result.estimates["kind"] == "gaussian"
    assert db(result.image, x / 255) > db(y, x / 255) + 2
