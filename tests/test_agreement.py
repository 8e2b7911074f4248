"""Tiles that a network is fitted to agree: they see one latent, and what is missing is first filled in the whole."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ipse.latents import Window, latent, noise
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tiled import Tiled
from ipse.tiles import Tile

CPU = torch.device("cpu")
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
    samples = np.random.default_rng(0).integers(0, 256, (40, 100), dtype=np.uint8)
    settings = Settings(steps=1, tile=64, **options)  # type: ignore[arg-type]
    seen: list[tuple[Tile, torch.Tensor, torch.Tensor]] = []

    class Watched(Tiled):
        def add(self, tile: Tile, *_: object) -> None:
            assert self.inner is not None
            problem = self.inner.posed()  # anew, from the tile's settings
            seen.append((tile, problem.prior.z, next(problem.prior.parameters())))  # type: ignore[union-attr]

    for _ in Watched(Picture.from_array(samples), "upscale", settings, {"factor": 2}, side=64):
        pass
    stride = 2 * 64 // seen[0][1].shape[-1]
    assert len(seen) == 3
    for (one, z, weights), (other, beside, others) in pairwise(seen):
        first = (other.columns.start - one.columns.start) * 2 // stride
        shared = (one.columns.stop - other.columns.start) * 2 // stride
        assert shared >= 32 * 2 // stride
        assert torch.equal(z[..., first : first + shared], beside[..., :shared])
        assert torch.equal(weights, others)
