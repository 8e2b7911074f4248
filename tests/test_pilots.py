"""Pilots: what each promises, on small pictures."""

import math

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from ipse.errors import OptionError
from ipse.pilots._channels import decorrelate, matrix, recorrelate
from ipse.pilots._clipping import unclip
from ipse.pilots._patches import References, patches, put_back, put_back_equal, similar
from ipse.pilots.nl_ridge import nl_ridge


def psnr(x: Tensor, truth: Tensor) -> float:
    return -10 * math.log10(float(((x - truth) ** 2).mean()))


def photo(*, channels: int = 3, side: int = 96) -> Tensor:
    pixels = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None].float() / 255
    crop = pixels[:, :, 20 : 20 + side, 170 : 170 + side]
    return crop if channels == 3 else crop.mean(1, keepdim=True)


def noise(like: Tensor, sigma: float | Tensor, seed: int = 0) -> Tensor:
    draw = np.random.default_rng(seed).standard_normal(tuple(like.shape), dtype=np.float32)
    return torch.from_numpy(draw) * sigma


class TestChannels:
    @pytest.mark.parametrize("channels", [1, 2, 3, 7])
    def test_orthonormal(self, channels: int) -> None:
        m = matrix(channels, like=torch.zeros((), dtype=torch.float64))
        torch.testing.assert_close(m @ m.T, torch.eye(channels, dtype=torch.float64))
        assert bool((m[0] > 0).all())

    def test_undone(self) -> None:
        x = photo()[0]
        torch.testing.assert_close(recorrelate(decorrelate(x)), x)


class TestPatches:
    def test_put_back_is_the_adjoint(self) -> None:
        x, sides = torch.rand(2, 9, 11, dtype=torch.float64), (3, 4)
        rows = patches(x, sides)
        u = torch.rand_like(rows)
        torch.testing.assert_close((rows * u).sum(), (x * put_back(u, (9, 11), sides)).sum())

    def test_put_back_equal(self) -> None:
        weights = torch.rand(2, 7 * 8, dtype=torch.float64)
        rows = weights[..., None].expand(-1, -1, 12)
        torch.testing.assert_close(
            put_back_equal(weights, (9, 11), (3, 4)), put_back(rows.contiguous(), (9, 11), (3, 4))
        )

    @pytest.mark.parametrize("size", [(1, 1), (1, 30), (8, 8), (29, 53)])
    @pytest.mark.parametrize("stride", [1, 4, 9])
    def test_references_leave_no_pixel_out(self, size: tuple[int, int], stride: int) -> None:
        wanted = References.over(size, 7, stride)
        seen = torch.zeros(size, dtype=torch.bool)
        for y in wanted.ys:
            for x in wanted.xs:
                seen[y : y + wanted.sides[0], x : x + wanted.sides[1]] = True
        assert bool(seen.all())

    def test_similar_against_brute_force(self) -> None:
        x = torch.rand(1, 20, 24, dtype=torch.float64)
        rows = patches(x, (3, 3))[0]
        wanted = References.over((20, 24), 3, 5)
        found = similar(rows, (18, 22), wanted, count=6, window=99)
        reference = torch.tensor([y * 22 + x for y in wanted.ys for x in wanted.xs])
        nearest = torch.cdist(rows[reference], rows).topk(6, largest=False).indices
        assert torch.equal(found.sort().values, nearest.sort().values)

    def test_a_reference_is_in_its_group_even_where_all_is_equal(self) -> None:
        rows = patches(torch.ones(1, 40, 40), (5, 5))[0]
        wanted = References.over((40, 40), 5, 4)
        found = similar(rows, (36, 36), wanted, count=4, window=9)
        reference = torch.tensor([[y * 36 + x] for y in wanted.ys for x in wanted.xs])
        assert bool((found == reference).any(1).all())


class TestClipping:
    def test_the_mean_of_what_is_clipped_is_undone(self) -> None:
        truth = torch.linspace(0, 1, 11, dtype=torch.float64)[:, None]
        for sigma in (0.02, 0.1):
            seen = (truth + sigma * torch.randn(11, 400_000, dtype=torch.float64)).clamp(0, 1).mean(1)
            back = unclip(seen, torch.tensor(sigma, dtype=torch.float64))
            assert float((back - truth[:, 0]).abs().max()) < 0.03 * sigma

    def test_nothing_happens_far_from_the_ends(self) -> None:
        m = torch.linspace(0.25, 0.75, 9)
        torch.testing.assert_close(unclip(m, torch.tensor(0.05)), m)


class TestNlRidge:
    @pytest.mark.parametrize(("channels", "gain"), [(1, 7.5), (3, 8.5)])
    def test_gain(self, channels: int, gain: float) -> None:
        truth = photo(channels=channels)
        y = truth + noise(truth, 25 / 255)
        fast, good = (psnr(nl_ridge(y, 25 / 255, preset=p), truth) - psnr(y, truth) for p in ("fast", "good"))
        assert good > gain
        assert good > fast > gain - 0.5

    def test_colour_gains_from_sharing_groups(self) -> None:
        truth = photo(side=64)
        y = truth + noise(truth, 0.1)
        alone = torch.cat([nl_ridge(y[:, c : c + 1], 0.1, preset="fast") for c in range(3)], 1)
        assert psnr(nl_ridge(y, 0.1, preset="fast"), truth) > psnr(alone, truth) + 0.3

    def test_a_constant_becomes_constant(self) -> None:
        truth = torch.full((1, 1, 64, 64), 0.4)
        x = nl_ridge(truth + noise(truth, 0.1), 0.1)
        assert float((x - truth).std()) < 0.1 / 5
        assert abs(float((x - truth).mean())) < 0.1 / 15

    def test_a_map_of_sigma_beats_its_mean(self) -> None:
        truth = photo(channels=1, side=64)
        sigma = torch.linspace(0.01, 0.2, 64).expand_as(truth)
        y = truth + noise(truth, sigma)
        assert psnr(nl_ridge(y, sigma), truth) > psnr(nl_ridge(y, float(sigma.mean())), truth) + 1

    def test_a_constant_map_is_the_number(self) -> None:
        y = photo(side=40) + noise(photo(side=40), 0.1)
        torch.testing.assert_close(nl_ridge(y, torch.full_like(y, 0.1)), nl_ridge(y, 0.1))

    def test_clipped_noise_leaves_white_white(self) -> None:
        truth = torch.full((1, 3, 48, 48), 0.98)
        y = (truth + noise(truth, 0.1)).clamp(0, 1)
        assert abs(float(nl_ridge(y, 0.1).mean()) - 0.98) > 0.025
        assert abs(float(nl_ridge(y, 0.1, clipped=True).mean()) - 0.98) < 0.01

    @pytest.mark.parametrize(
        "shape", [(1, 1, 1), (3, 1, 1), (1, 1, 40), (1, 40, 1), (3, 2, 3), (4, 5, 5), (2, 7, 9), (3, 12, 70)]
    )
    def test_tiny(self, shape: tuple[int, int, int]) -> None:
        y = 0.5 + noise(torch.zeros(1, *shape), 0.1)
        x = nl_ridge(y, 0.1)
        assert x.shape == y.shape
        assert float(((x - 0.5) ** 2).mean()) <= float(((y - 0.5) ** 2).mean())

    def test_without_noise_nothing_changes(self) -> None:
        y = photo(side=32)
        assert torch.equal(nl_ridge(y, 0), y)
        assert float((nl_ridge(y, 1e-4) - y).abs().max()) < 1e-3

    def test_saturated_regions_do_not_ring(self) -> None:
        y = torch.ones(1, 3, 48, 48)
        y[..., :24] = photo(side=48)[..., :24]
        x = nl_ridge(y, 0.1)
        assert float((x - 1)[..., 36:].abs().max()) < 0.02
        assert -0.1 < float(x.min()) <= float(x.max()) < 1.1

    def test_same_bytes_again(self) -> None:
        y = photo(side=48) + noise(photo(side=48), 0.1)
        assert torch.equal(nl_ridge(y, 0.1), nl_ridge(y, 0.1))

    def test_tiles_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        y = photo(channels=1) + noise(photo(channels=1), 0.1)
        whole = nl_ridge(y, 0.1, preset="fast")
        monkeypatch.setattr("ipse.pilots.nl_ridge.TILE", 48)
        assert float((nl_ridge(y, 0.1, preset="fast") - whole).abs().max()) < 1e-4

    def test_bad_options(self) -> None:
        with pytest.raises(OptionError, match=r"-0\.1"):
            nl_ridge(photo(side=8), -0.1)
        with pytest.raises(OptionError, match="quick"):
            nl_ridge(photo(side=8), 0.1, preset="quick")  # type: ignore[arg-type]
