"""Tiles that a network is fitted to agree: they see one latent, and what is missing is first filled in the whole."""

from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ipse import tasks
from ipse.engine.latents import Window, latent, noise
from ipse.pictures import Mask, Picture
from ipse.pictures.coarse import large, shrunk
from ipse.pictures.tiling import Tile
from ipse.settings import Settings
from ipse.streams.parts import Parts
from ipse.streams.stream import Result, Stream
from ipse.streams.sums import Sum
from ipse.streams.tiles import Tiles, tiled

CPU = torch.device("cpu")
WAVES = (
    128 + 60 * np.sin(np.add.outer(np.arange(150) / 17, np.arange(160) / 23)) + np.arange(160) / 4
).astype(np.uint8)
PLACES = st.tuples(st.integers(0, 150), st.integers(0, 150), st.integers(1, 90), st.integers(1, 90))


def window(top: int, left: int, seed: int = 3) -> Window:
    return Window(top, left, (240, 250), seed, CPU)


@hypothesis_settings(max_examples=25, deadline=None)
@given(place=PLACES, kind=st.sampled_from(["noise", "meshgrid"]))
def test_a_part_of_a_latent_is_what_the_whole_has_there(place: tuple[int, int, int, int], kind: str) -> None:
    top, left, height, width = place
    whole = latent(kind, torch.zeros(1, 1, 240, 250), channels=2, generator=window(0, 0))  # type: ignore[arg-type]
    part = latent(kind, torch.zeros(1, 1, height, width), channels=2, generator=window(top, left))  # type: ignore[arg-type]
    torch.testing.assert_close(part, whole[..., top : top + height, left : left + width], rtol=0, atol=0)


def test_the_field_is_noise_of_its_seed() -> None:
    z = noise(2, (200, 200), generator=window(0, 0), distribution="normal", scale=1.0)
    assert abs(float(z.mean())) < 0.02
    assert abs(float(z.std()) - 1) < 0.02
    blocks = z[0, 0, :192, :192].unfold(0, 64, 64).unfold(1, 64, 64).reshape(9, -1)
    alike = torch.corrcoef(blocks) - torch.eye(9)
    assert float(alike.abs().max()) < 0.06  # no block repeats another
    assert not torch.equal(
        z, noise(2, (200, 200), generator=window(0, 0, 4), distribution="normal", scale=1.0)
    )


@pytest.mark.parametrize("options", [{"latent": "noise"}, {"preset": "paper", "network": "fast"}])
def test_neighbours_see_one_latent_and_start_from_one_network(options: dict[str, str]) -> None:
    samples = np.random.default_rng(0).integers(0, 256, (40, 150), dtype=np.uint8)
    settings = Settings(steps=1, tile=64, **options)  # type: ignore[arg-type]
    seen: list[tuple[Tile, torch.Tensor, torch.Tensor]] = []

    class Watched(Sum):
        def add(self, index: int, stream: Stream) -> Result:
            problem = stream.current.posed()  # type: ignore[union-attr]  # anew, from the tile's settings
            tile = self.tiling.tile(index)
            seen.append((tile, problem.prior.z, next(problem.prior.parameters())))  # type: ignore[union-attr]
            return stream.result()

    tiling = Tiles(Picture.from_array(samples), "upscale", settings, {"factor": 2}, side=64)
    for _ in Parts(tiling, Watched(tiling)):
        pass
    stride = 2 * 64 // seen[0][1].shape[-1]
    assert len(seen) == 3
    for (one, z, weights), (other, beside, others) in pairwise(seen):
        first = (other.columns.start - one.columns.start) * 2 // stride
        shared = (one.columns.stop - other.columns.start) * 2 // stride
        assert shared >= 32 // stride
        assert torch.equal(z[..., first : first + shared], beside[..., :shared])
        assert torch.equal(weights, others)


def shown(rows: slice, columns: slice) -> Picture:
    return Picture.from_array(WAVES[rows, columns])


@hypothesis_settings(max_examples=20, deadline=None)
@given(step=st.integers(1, 150), seed=st.integers(0, 9), share=st.sampled_from([0.02, 0.5, 1.0]))
def test_a_picture_is_made_small_by_the_mean_of_what_is_known(step: int, seed: int, share: float) -> None:
    known = np.random.default_rng(seed).random(WAVES.shape) < share
    small, seen = shrunk(WAVES.shape, step, shown, known)
    assert small.size == seen.shape == tuple(-(-length // step) for length in WAVES.shape)
    for down, across in ((0, 0), (seen.shape[0] - 1, seen.shape[1] - 1), (seen.shape[0] // 2, 0)):
        cell = (slice(down * step, (down + 1) * step), slice(across * step, (across + 1) * step))
        assert seen[down, across] == known[cell].any()
        wanted = WAVES[cell][known[cell]].mean() / 255 if known[cell].any() else 0
        assert small.pixels[0, down, across] == pytest.approx(wanted, abs=1e-5)


def test_a_band_at_a_time_is_read() -> None:
    heights: list[int] = []

    def watched(rows: slice, columns: slice) -> Picture:
        heights.append(rows.stop - rows.start)
        return Picture.from_array(np.zeros((rows.stop - rows.start, columns.stop), np.uint8))

    small, _ = shrunk((2000, 30), 7, watched, np.ones((2000, 30), np.bool_))
    assert small.size == (286, 5)
    assert max(heights) <= 256
    assert sum(heights) == 2000


@pytest.mark.parametrize("step", [1, 3, 8])
def test_made_large_again_a_ramp_is_a_ramp_in_any_window(step: int) -> None:
    ramp = np.add.outer(np.arange(96), 2 * np.arange(144)).astype(np.float32)
    small = ramp.reshape(96 // step, step, 144 // step, step).mean((1, 3))[None]
    whole = large(small, step, slice(0, 96), slice(0, 144))
    inner = (slice(step, 96 - step), slice(step, 144 - step))
    np.testing.assert_allclose(whole[0][inner], ramp[inner], rtol=1e-5)
    np.testing.assert_array_equal(large(small, step, slice(20, 50), slice(33, 70)), whole[:, 20:50, 33:70])


class Alone(Tiles):
    """Each tile is filled by itself."""

    def first(self, seconds: float | None) -> None:
        del seconds


class Pieces(Sum):
    """Keeps the tiles' pictures."""

    def put(self, tile: Tile, pixels: Any, keep: Any) -> None:
        self.__dict__.setdefault("pieces", []).append((tile, pixels))
        super().put(tile, pixels, keep)


def filled(
    hole: np.ndarray, *, alone: bool = False, seeds: int = 1, steps: int = 12, task: str = "inpaint"
) -> Parts:
    damaged = np.where(hole, 0, WAVES).astype(np.uint8)
    told = {"mask": hole, "polarity": "white-is-hole"}
    kind, settings = Alone if alone else Tiles, Settings("fast", steps=steps, seeds=seeds)
    tiling = kind(Picture.from_array(damaged), task, settings, told, side=64)
    stream = Parts(tiling, Pieces(tiling))
    for _ in stream:
        pass
    return stream


def disagreement(stream: Parts, where: np.ndarray) -> float:
    """RMS difference of the tiles that see a pixel, within ``where``."""
    total, squares, count = (np.zeros(where.shape) for _ in range(3))
    for tile, pixels in stream.join.__dict__["pieces"]:
        place = tile.rows, tile.columns
        total[place] += pixels[0]
        squares[place] += pixels[0] ** 2
        count[place] += 1
    shared = where & (count > 1)
    spread = squares[shared] / count[shared] - (total[shared] / count[shared]) ** 2
    return float(np.sqrt(spread.clip(0).mean()))


def square(top: int, left: int, side: int) -> np.ndarray:
    hole = np.zeros(WAVES.shape, np.bool_)
    hole[top : top + side, left : left + side] = True
    return hole


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_hole_that_covers_tiles_is_filled(seeds: int) -> None:
    hole = square(20, 25, 110)
    assert hole[32:96, 32:96].all()  # a whole tile
    stream = filled(hole, seeds=seeds, steps=4)
    samples = stream.result().picture.samples
    np.testing.assert_array_equal(samples[~hole], WAVES[~hole])
    assert (
        np.abs(samples[hole].astype(float) - WAVES[hole]).mean()
        < np.abs(WAVES[hole] - WAVES[~hole].mean()).mean()
    )
    assert stream.result().steps > 0


@pytest.mark.parametrize(("task", "steps"), [("inpaint", 6), ("restore", 1)])
def test_tiles_agree_on_what_lies_in_a_hole(task: str, steps: int) -> None:
    hole = square(30, 40, 60)
    together, alone = (filled(hole, alone=alone, task=task, steps=steps) for alone in (False, True))
    assert disagreement(together, hole) < disagreement(alone, hole) / 3


def test_a_mixture_with_a_hole_over_tiles_follows_the_fill_of_the_whole() -> None:
    hole = square(20, 25, 40)
    told = {"mask": hole, "polarity": "white-is-hole", "factor": 2, "psf": np.ones((3, 3))}
    damaged = Picture.from_array(np.where(hole, 0, WAVES)[:90, :90].astype(np.uint8))
    told["mask"] = hole[:90, :90]
    stream = tiled(damaged, "restore", Settings("fast", steps=2), told, side=64)
    small = [stream.preliminary for _ in stream]
    assert small[0]
    assert not small[-1]
    found = stream.result().picture.samples
    assert found.shape == (180, 180)
    within = found[50:110, 60:120].astype(float)
    assert np.abs(within - np.repeat(np.repeat(WAVES[25:55, 30:60], 2, 0), 2, 1)).mean() < 60


def test_gaps_that_are_no_holes_need_no_look_at_the_whole() -> None:
    gaps = np.random.default_rng(0).random(WAVES.shape) < 0.5
    shrink = partial(shrunk, WAVES.shape, 3, shown)
    found = [
        tasks.coarse("inpaint")(shrink, mask=Mask(~hole, inverted=True, said=""), polarity="settled")
        for hole in (gaps, square(60, 60, 30))
    ]
    assert found[0] is None
    assert found[1] is not None
    assert found[1][0].size == found[1][1]["mask"].shape == (50, 54)
    assert tasks.coarse("denoise")(shrink, sigma=25.0) is None


def test_what_was_saved_goes_on_to_the_same_picture() -> None:
    hole = square(30, 40, 60)
    wanted = filled(hole, steps=3)
    told = {"mask": hole, "polarity": "white-is-hole"}
    half, rest = (tiled(wanted.picture, "inpaint", wanted.settings, told, side=64) for _ in range(2))
    under_way: list[str] = []
    for _ in half:
        under_way.append(half.where)
        if half.index == 4:
            break
    assert under_way[0] == "downsampled picture, "
    assert under_way[-1].startswith("tile 5 of ")
    rest.load_state_dict(half.state_dict())
    small = [rest.preliminary for _ in rest]
    assert not any(small)  # the whole is not fitted again
    np.testing.assert_array_equal(rest.result().picture.samples, wanted.result().picture.samples)
    assert rest.result().steps == wanted.result().steps
