"""What is stored in levels is matched to half of one, however fine they are; headers are read, not files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

import ipse
from ipse.engine.operators import Downsample
from ipse.pictures import Picture, able
from ipse.tasks._stored import HALF, rounding

SMALL = Downsample(2)(torch.from_numpy(data.chelsea()[60:124, 120:184]).permute(2, 0, 1)[None] / 255)
Y = SMALL[0].permute(1, 2, 0).clamp(0, 1).numpy()


def half_of(samples: NDArray[np.generic]) -> float:
    picture = Picture.from_array(samples)
    return rounding(picture, torch.from_numpy(picture.pixels)[None]) / HALF


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_half_a_level_is_that_of_the_picture(bits: int) -> None:
    scale = 2**bits - 1
    stored = np.rint(Y * scale).astype(np.uint8 if bits == 8 else np.uint16)
    stored[0, 0, 0] = scale
    assert half_of(stored) == pytest.approx(1 / scale, rel=1e-2)
    assert half_of((stored / scale).astype(np.float32)) == pytest.approx(1 / scale, rel=1e-2)


def test_drawings_and_floats_have_bounds() -> None:
    assert half_of(Y > 0.5) == 1 / 255
    assert half_of(np.random.default_rng(0).random((9, 9)).astype(np.float32)) == 2**-16


def test_16_bits_made_small_again_are_what_was_given() -> None:
    given = np.rint(Y * 65535).astype(np.uint16)
    large = ipse.upscale(given, factor=2, preset="fast").image
    again = Downsample(2)(torch.from_numpy(large.astype(np.float32)).permute(2, 0, 1)[None] / 65535)
    error = np.abs(again[0].permute(1, 2, 0).numpy() * 65535 - given)
    assert error.max() < 4  # with half a level of 8 bits, 126
    assert np.median(error) < 1


def test_a_header_is_enough_to_name_the_output(tmp_path: Path) -> None:
    source = tmp_path / "a.pgm"
    with source.open("wb") as file:
        file.write(b"P5 100000 100000 65535\n")
        file.truncate(20_000_000_000)  # takes no room on the disk, and would all of the memory
    assert able(source, ".pgm") == ".png"
