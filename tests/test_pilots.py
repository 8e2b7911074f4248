"""Pilots: what each promises, on small pictures."""

import math
from collections.abc import Callable
from itertools import pairwise, repeat

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from ipse.errors import OptionError
from ipse.noise.clipping import before, stored, unclip
from ipse.pilots._channels import decorrelate, matrix, recorrelate
from ipse.pilots._conditional import conditional
from ipse.pilots._patches import References, patches, put_back, put_back_equal, similar, sums
from ipse.pilots.back_projection import back_projection
from ipse.pilots.biharmonic import biharmonic, pyramid
from ipse.pilots.coarse_to_fine import coarse_to_fine
from ipse.pilots.non_local import PRESETS, Preset, Step, non_local
from ipse.pilots.non_local_fill import non_local_fill
from ipse.pilots.non_local_means import non_local_means
from ipse.pilots.plug_and_play import plug_and_play


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
        weights = torch.rand(7 * 8, dtype=torch.float64)
        rows = weights[:, None].repeat(1, 12)
        torch.testing.assert_close(
            put_back_equal(weights, (9, 11), (3, 4)), put_back(rows, (9, 11), (3, 4))[0]
        )

    def test_sums_are_those_of_the_patches(self) -> None:
        x = torch.rand(2, 9, 11, dtype=torch.float64)
        torch.testing.assert_close(sums(x, (3, 4)), patches(x, (3, 4)).view(56, 12, 2).sum(1))

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
        rows = patches(x, (3, 3))
        wanted = References.over((20, 24), 3, 5)
        found = similar(rows, (18, 22), wanted, count=6, window=99)
        reference = torch.tensor([y * 22 + x for y in wanted.ys for x in wanted.xs])
        nearest = torch.cdist(rows[reference], rows).topk(6, largest=False).indices
        assert torch.equal(found.sort().values, nearest.sort().values)

    def test_a_reference_is_in_its_group_even_where_all_is_equal(self) -> None:
        rows = patches(torch.ones(1, 40, 40), (5, 5))
        wanted = References.over((40, 40), 5, 4)
        found = similar(rows, (36, 36), wanted, count=4, window=9)
        reference = torch.tensor([[y * 36 + x] for y in wanted.ys for x in wanted.xs])
        assert bool((found == reference).any(1).all())


class TestClipping:
    def test_the_mean_of_what_is_clipped_is_undone(self) -> None:
        truth = torch.linspace(0, 1, 11, dtype=torch.float64)[:, None]
        for sigma in (0.02, 0.1, 0.4, 0.8):
            seen = (truth + sigma * torch.randn(11, 400_000, dtype=torch.float64)).clamp(0, 1).mean(1)
            back = unclip(seen, torch.tensor(sigma, dtype=torch.float64))
            assert float((back - truth[:, 0]).abs().max()) < 0.03 * sigma

    def test_the_noise_that_clipping_leaves(self) -> None:
        for sigma in (0.05, 0.2, 0.4, 0.8):
            seen = float((0.5 + sigma * torch.randn(400_000, dtype=torch.float64)).clamp(0, 1).std())
            assert float(stored(torch.tensor(sigma))) == pytest.approx(seen, rel=0.01)
            assert before(seen) == pytest.approx(sigma, rel=0.03)
        assert before(0.5) == pytest.approx(2)
        assert before(0.0) == pytest.approx(0, abs=1e-9)

    def test_nothing_happens_far_from_the_ends(self) -> None:
        m = torch.linspace(0.25, 0.75, 9)
        torch.testing.assert_close(unclip(m, torch.tensor(0.05)), m)


class TestNlRidge:
    @pytest.mark.parametrize(("channels", "gain"), [(1, 7.2), (3, 8.3)])
    def test_gain(self, channels: int, gain: float) -> None:
        truth = photo(channels=channels)
        y = truth + noise(truth, 25 / 255)
        fast, good = (
            psnr(non_local(y, 25 / 255, preset=p), truth) - psnr(y, truth) for p in ("fast", "good")
        )
        assert good > gain
        assert good > fast > gain - 0.5

    def test_colour_gains_from_sharing_groups(self) -> None:
        truth = photo(side=64)
        y = truth + noise(truth, 0.1)
        alone = torch.cat([non_local(y[:, c : c + 1], 0.1, preset="fast") for c in range(3)], 1)
        assert psnr(non_local(y, 0.1, preset="fast"), truth) > psnr(alone, truth) + 0.3

    def test_a_constant_becomes_constant(self) -> None:
        truth = torch.full((1, 1, 64, 64), 0.4)
        x = non_local(truth + noise(truth, 0.1), 0.1)
        assert float((x - truth).std()) < 0.1 / 5
        assert abs(float((x - truth).mean())) < 0.1 / 15

    def test_a_map_of_sigma_beats_its_mean(self) -> None:
        truth = photo(channels=1, side=64)
        sigma = torch.linspace(0.01, 0.2, 64).expand_as(truth)
        y = truth + noise(truth, sigma)
        assert psnr(non_local(y, sigma), truth) > psnr(non_local(y, float(sigma.mean())), truth) + 1

    def test_a_constant_map_is_the_number(self) -> None:
        y = photo(side=40) + noise(photo(side=40), 0.1)
        torch.testing.assert_close(non_local(y, torch.full_like(y, 0.1)), non_local(y, 0.1))

    def test_clipped_noise_leaves_white_white(self) -> None:
        truth = torch.full((1, 3, 48, 48), 0.98)
        y = (truth + noise(truth, 0.1)).clamp(0, 1)
        assert abs(float(non_local(y, 0.1).mean()) - 0.98) > 0.025
        assert abs(float(non_local(y, 0.1, clipped=True).mean()) - 0.98) < 0.01

    @pytest.mark.parametrize(
        "shape", [(1, 1, 1), (3, 1, 1), (1, 1, 40), (1, 40, 1), (3, 2, 3), (4, 5, 5), (2, 7, 9), (3, 12, 70)]
    )
    def test_tiny(self, shape: tuple[int, int, int]) -> None:
        y = 0.5 + noise(torch.zeros(1, *shape), 0.1)
        x = non_local(y, 0.1)
        assert x.shape == y.shape
        assert float(((x - 0.5) ** 2).mean()) <= float(((y - 0.5) ** 2).mean())

    def test_without_noise_nothing_changes(self) -> None:
        y = photo(side=32)
        assert torch.equal(non_local(y, 0), y)
        assert float((non_local(y, 1e-4) - y).abs().max()) < 1e-3

    @pytest.mark.parametrize("sigma", [1e-3, 3e-3, 0.02])
    def test_faint_noise_in_a_smooth_picture(self, sigma: float) -> None:
        truth = torch.linspace(0.8, 0.81, 64).expand(1, 3, 64, 64)
        y = truth + noise(truth, sigma)
        assert psnr(non_local(y, sigma), truth) > psnr(y, truth) + 10

    def test_saturated_regions_do_not_ring(self) -> None:
        y = torch.ones(1, 3, 48, 48)
        y[..., :24] = photo(side=48)[..., :24]
        x = non_local(y, 0.1)
        assert float((x - 1)[..., 36:].abs().max()) < 0.02
        assert -0.1 < float(x.min()) <= float(x.max()) < 1.1

    def test_same_bytes_again(self) -> None:
        y = photo(side=48) + noise(photo(side=48), 0.1)
        assert torch.equal(non_local(y, 0.1), non_local(y, 0.1))

    @pytest.mark.parametrize(
        "preset", ["once", "fast wide"]
    )  # of one step: a second one's groups hang on rounding
    def test_tiles_do_not_show(self, preset: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
        y = photo(channels=1) + noise(photo(channels=1), 0.1)
        guide = None if preset == "once" else photo(channels=1)
        whole = non_local(y, 0.1, preset=preset, guide=guide)
        for side in (24, 48, 72):  # of 72 the last tile has few references, near the border
            monkeypatch.setattr("ipse.pilots._pieces.TILE", side)
            assert float((non_local(y, 0.1, preset=preset, guide=guide) - whole).abs().max()) < 1e-4

    def test_bayes_after_the_ridge_beats_the_ridge_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        truth = photo()
        y = truth + noise(truth, 0.1)
        first = PRESETS["twice"]
        last = {"ridge": Step(7, 55, 6, noisy=0.5), "bayes": Step(5, 160, 5, noisy=0.5, by="bayes")}
        found: dict[str, float] = {}
        for name, step in last.items():
            monkeypatch.setitem(PRESETS, "good", (*first, step))
            found[name] = psnr(non_local(y, 0.1), truth)
        assert found["bayes"] > found["ridge"] + 0.05

    def test_many_channels(self) -> None:
        truth = photo(side=40).repeat(1, 3, 1, 1)
        y = truth + noise(truth, 0.1)
        assert psnr(non_local(y, 0.1), truth) > psnr(y, truth) + 6

    def test_an_interruption_waits_for_no_more_than_what_is_under_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[int] = []

        def interrupted(*_: object) -> None:
            begun.append(1)
            raise KeyboardInterrupt

        monkeypatch.setattr("ipse.pilots.non_local._tile", interrupted)
        monkeypatch.setattr("ipse.pilots._pieces.TILE", 16)
        y = photo(side=256, channels=1)
        with pytest.raises(KeyboardInterrupt):
            non_local(y, 0.1, preset="fast")
        assert len(begun) < 16 < (256 / 16) ** 2

    def test_bad_options(self) -> None:
        with pytest.raises(OptionError, match=r"-0\.1"):
            non_local(photo(side=8), -0.1)
        with pytest.raises(OptionError, match="quick"):
            non_local(photo(side=8), 0.1, preset="quick")  # type: ignore[arg-type]  # that is the test


def scattered(like: Tensor, share: float = 0.5) -> Tensor:
    """Bool (1, 1, H, W): that share of the pixels is known."""
    return torch.from_numpy(np.random.default_rng(0).random(tuple(like.shape[-2:])) < share)[None, None]


def disc(like: Tensor, radius: int) -> Tensor:
    height, width = like.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height) - height // 2, torch.arange(width) - width // 2, indexing="ij")
    return (y**2 + x**2 > radius**2)[None, None]


class TestNonLocalMeans:
    def test_gain(self) -> None:
        truth = photo(side=64)
        y = truth + noise(truth, 0.1)
        assert psnr(non_local_means(y, 0.1), truth) > psnr(y, truth) + 4

    @pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 40), (2, 6, 5)])
    def test_tiny(self, shape: tuple[int, int, int]) -> None:
        assert non_local_means(torch.rand(1, *shape), 0.1).shape == (1, *shape)


class TestPlugAndPlay:
    def test_data_step_comes_last_and_sigmas_in_turn(self) -> None:
        told: list[float] = []

        def denoise(x: Tensor, sigma: float) -> Tensor:
            told.append(sigma)
            return x + 1

        start = torch.zeros(1, 1, 2, 2)
        steps = plug_and_play(
            start, data_step=lambda x, _: 2 * x, denoisers=repeat(denoise), sigmas=[3.0, 1.0], momentum=0
        )
        assert [float(x[0, 0, 0, 0]) for x in steps] == [2, 6]
        assert told == [3.0, 1.0]
        assert not start.any()

    def test_nothing_is_done_before_it_is_asked_for(self) -> None:
        def denoise(x: Tensor, sigma: float) -> Tensor:
            raise AssertionError(x, sigma)

        plug_and_play(torch.zeros(1, 1, 2, 2), data_step=lambda x, _: x, denoisers=[denoise], sigmas=[1.0])


class TestBiharmonic:
    @pytest.mark.parametrize("fill", [biharmonic, pyramid])
    @pytest.mark.parametrize("shape", [(1, 1, 2), (3, 4, 9), (1, 30, 31)])
    def test_known_pixels_are_kept_and_a_constant_is_continued(
        self, fill: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, int, int]
    ) -> None:
        y = torch.full((1, *shape), 0.7)
        known = scattered(y, 0.3)
        known[..., 0, 0] = True
        x = fill(torch.where(known, y, torch.nan), known)
        torch.testing.assert_close(x, y, atol=1e-4, rtol=0)
        assert torch.equal(x[known.expand_as(x)], y[known.expand_as(y)])

    def test_a_ramp_is_continued(self) -> None:
        ramp = torch.linspace(0.1, 0.9, 40).expand(1, 1, 40, 40)
        x = biharmonic(ramp * disc(ramp, 6), disc(ramp, 6))
        torch.testing.assert_close(x, ramp, atol=1e-3, rtol=0)

    def test_tiles_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        y = photo(channels=1)
        known = scattered(y) & disc(y, 20)
        whole = biharmonic(y, known)
        for name, value in (("AT_ONCE", 0), ("TILE", 32)):
            monkeypatch.setattr(f"ipse.pilots.biharmonic.{name}", value)
        tiled = biharmonic(y, known)
        shallow = disc(y, 22).expand_as(y)
        assert float((tiled - whole)[shallow].square().mean().sqrt()) < 0.002
        assert torch.equal(tiled[known], y[known])

    def test_better_than_the_average_of_neighbours(self) -> None:
        y = photo()
        known = scattered(y)
        assert psnr(biharmonic(y, known), y) > psnr(pyramid(y, known), y) + 1


class TestConditional:
    def test_is_the_expectation_given_what_is_known(self) -> None:
        """Against E[x | y] = m + Sₓₖ (Sₖₖ + Dₖ)⁻¹ (yₖ − mₖ), solved patch for patch over the known pixels alone."""
        draw = np.random.default_rng(0)
        x = draw.normal(0.5, 0.2, (6, 9, 5))
        y = x + draw.normal(0, 0.1, x.shape)
        known = draw.random(x.shape) < 0.6
        known[..., 0] = True
        d = np.where(known, draw.uniform(0.005, 0.02, x.shape), 1e6)
        found, _ = conditional(*(torch.from_numpy(part) for part in (y, x, d)))
        for g, i in np.ndindex(6, 9):
            mean, S, k = x[g].mean(0), np.cov(x[g].T), known[g, i]
            gain = S[:, k] @ np.linalg.inv(S[np.ix_(k, k)] + np.diag(d[g, i][k]))
            expected = mean + gain @ (y[g, i] - mean)[k]
            assert found[g, i].numpy() == pytest.approx(expected, abs=1e-4)

    def test_equal_patches_tell_their_mean(self) -> None:
        y = torch.full((2, 6, 4), 0.3)
        found, trust = conditional(y + 0.1, y, torch.full_like(y, 0.01))
        assert torch.allclose(found, y)
        assert bool((trust == 1).all())


class TestNonLocalFill:
    def test_better_and_better_and_known_pixels_kept(self) -> None:
        y = photo()
        known = scattered(y)
        estimates = list(non_local_fill(torch.where(known, y, 0.0), known, preset="fast"))
        assert psnr(estimates[-1], y) > psnr(estimates[0], y) + 0.7
        assert all(torch.equal(x[known.expand_as(x)], y[known.expand_as(y)]) for x in estimates)

    def test_stripes_are_continued(self) -> None:
        across = torch.arange(64)
        y = (0.5 + 0.4 * torch.sin(across[:, None] * 1.3 + across * 0.7))[None, None]
        known = scattered(y, 0.4)
        first, *_, last = non_local_fill(y, known, preset="fast")
        assert psnr(last, y) > psnr(first, y) + 10

    @pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 3), (1, 1, 40), (2, 9, 7)])
    def test_tiny(self, shape: tuple[int, int, int]) -> None:
        y = torch.rand(1, *shape)
        known = scattered(y)
        known[..., 0, 0] = True
        for x in non_local_fill(y, known, preset="fast"):
            assert x.shape == y.shape
            assert bool(x.isfinite().all())

    def test_what_a_patch_knows_tells_the_rest_of_it(self) -> None:
        y = photo()
        known = scattered(y)
        *_, before, _, last = non_local_fill(torch.where(known, y, 0.0), known, preset="fast")
        assert psnr(last, y) > psnr(before, y) + 0.3

    def test_nothing_missing(self) -> None:
        y = photo(side=16)
        (x,) = non_local_fill(y, torch.ones(1, 1, 16, 16, dtype=torch.bool))
        assert torch.equal(x, y)


class TestCoarseToFine:
    def test_correlated_noise(self) -> None:
        truth = photo()
        rough = interpolate(noise(avg_pool2d(truth, 2), 1.0), scale_factor=2, mode="bicubic")
        y = truth + 0.02 * rough / rough.std()
        x = coarse_to_fine(y, 0.02)
        assert psnr(x, truth) > psnr(y, truth) + 1
        assert psnr(x, truth) > psnr(non_local(y, 0.02), truth) + 0.3

    @pytest.mark.parametrize("shape", [(3, 1, 1), (1, 3, 40), (1, 17, 31), (3, 16, 16)])
    def test_any_size(self, shape: tuple[int, int, int]) -> None:
        assert coarse_to_fine(torch.rand(1, *shape), 0.1, preset="fast").shape == (1, *shape)


class TestBackProjection:
    def test_approaches_the_measurement(self) -> None:
        y = avg_pool2d(photo(side=64), 4)
        estimates = list(
            back_projection(
                y,
                lambda x: avg_pool2d(x, 4),
                lambda r: interpolate(r, scale_factor=4, mode="bicubic"),
                steps=6,
            )
        )
        errors = [float((avg_pool2d(x, 4) - y).abs().max()) for x in estimates]
        assert len(errors) == 7
        assert all(after < before for before, after in pairwise(errors))
        assert errors[-1] < 0.03 * errors[0]


def test_only_what_is_wanted_is_estimated_and_as_if_all_were() -> None:
    draw = torch.Generator().manual_seed(3)
    y = torch.linspace(0, 1, 160).sin().expand(1, 1, 160, 160) + 0.1 * torch.randn(
        1, 1, 160, 160, generator=draw
    )
    where = torch.zeros(1, 1, 160, 160, dtype=torch.bool)
    where[..., 10:14, 20:24] = True
    whole, part = non_local(y, 0.1, preset="once"), non_local(y, 0.1, preset="once", where=where)
    torch.testing.assert_close(part[where], whole[where], rtol=0, atol=1e-5)
    assert torch.equal(part[..., 120:, 120:], y[..., 120:, 120:])
    assert not torch.equal(part[where], y[where])
