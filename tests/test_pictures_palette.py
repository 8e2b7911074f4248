"""A palette picture stays one: kept pixels keep their colours, new ones get the nearest there is room for."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from ipse.pictures import Picture, from_pil, read, write

PHOTO = data.astronaut()[60:160, 170:300]


def painted(colours: int) -> Picture:
    image = Image.fromarray(PHOTO).quantize(colours)
    return from_pil(image)


def pixels_of(array: np.ndarray) -> np.ndarray:
    return np.moveaxis(array, -1, 0).astype(np.float32) / np.float32(255)


def error(picture: Picture, array: np.ndarray) -> float:
    return float(np.sqrt(np.mean((picture.colours.astype(float) - array) ** 2)))


def test_new_colours_take_free_entries() -> None:
    coarse = painted(16)
    result = coarse.like(pixels_of(PHOTO))
    assert (result.mode, result.channels) == ("P", 3)
    assert result.palette is not None
    assert 200 < len(np.unique(result.palette, axis=0)) <= 256
    best = from_pil(Image.fromarray(PHOTO).quantize(256, Image.Quantize.MEDIANCUT, kmeans=1, dither=0))
    assert error(coarse, PHOTO) > 3 * error(best, PHOTO)
    assert error(result, PHOTO) < 1.05 * error(best, PHOTO)


def test_few_new_colours_are_exact() -> None:
    picture = painted(200)
    changed = picture.colours.copy()
    changed[:3, :10] = RNG.integers(0, 255, (3, 10, 3))
    assert np.array_equal(picture.like(pixels_of(changed)).colours, changed)


@pytest.mark.parametrize("colours", [16, 256])
def test_kept_pixels_keep_index_and_colour(colours: int) -> None:
    picture = painted(colours)
    keep = np.ones(picture.size, bool)
    keep[20:60, 30:70] = False
    result = picture.like(pixels_of(PHOTO), keep=keep)
    assert np.array_equal(result.samples[keep], picture.samples[keep])
    assert np.array_equal(result.colours[keep], picture.colours[keep])
    hole = np.abs(result.colours[~keep].astype(int) - PHOTO[~keep])
    before = np.abs(picture.colours[~keep].astype(int) - PHOTO[~keep])
    # With all entries in use there is no room for new colours: then the nearest of them.
    assert hole.mean() < 0.5 * before.mean() if colours < 256 else hole.mean() <= before.mean()


RNG = np.random.default_rng(5)


def clear(*, several: bool) -> Picture:
    """A palette with a clear entry, and with half-clear ones."""
    image = Image.fromarray(PHOTO).quantize(60)
    alpha = np.full(256, 255, np.uint8)
    alpha[3] = 0
    if several:
        alpha[10:20] = 128
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=alpha.tobytes() if several else 3)
    stream.seek(0)
    return read(stream)


@pytest.mark.parametrize("several", [False, True])
def test_alpha_is_carried(several: bool, tmp_path: Path) -> None:
    picture = clear(several=several)
    assert picture.alpha is not None
    assert (picture.alpha == 0).any()
    result = picture.like(pixels_of(PHOTO))
    write(result, tmp_path / "a.png")
    found = read(tmp_path / "a.png")
    assert found.mode == "P"
    assert found.alpha is not None
    assert np.array_equal(found.alpha, picture.alpha)
    seen = picture.alpha > 0
    assert np.abs(found.colours[seen].astype(int) - PHOTO[seen]).mean() < 2.5
    assert np.array_equal(found.samples[~seen], picture.samples[~seen])


def test_alpha_follows_a_larger_palette_picture() -> None:
    picture = clear(several=True)
    large = np.repeat(np.repeat(pixels_of(PHOTO), 2, axis=1), 2, axis=2)
    result = picture.like(large)
    assert result.alpha is not None
    assert picture.alpha is not None
    assert np.array_equal(result.alpha[::2, ::2], picture.alpha)
    assert result.palette is not None
    assert np.array_equal(result.palette[result.samples][..., 3], result.alpha)


def test_gif_stays_a_gif(tmp_path: Path) -> None:
    for picture in (painted(256), clear(several=False)):
        write(picture, tmp_path / "a.gif", overwrite=True)
        found = read(tmp_path / "a.gif")
        assert (found.format, found.mode) == ("GIF", "P")
        seen = np.ones(picture.size, bool) if picture.alpha is None else picture.alpha > 0
        assert np.array_equal(found.colours[seen], picture.colours[seen])
        assert (found.alpha is None) == (picture.alpha is None)
        assert found.alpha is None or np.array_equal(found.alpha > 0, seen)
