"""Damage that nobody masked: what is found, what is left alone, and how it is written and filled."""

import json

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.damage import damaged
from ipse import api, errors
from ipse.cli import main
from ipse.noise.damage import find
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.open import restore

FAST = Settings(preset="fast")
SIDE = 160
KINDS = ("scratches", "dust")


def scene(side: int = SIDE) -> np.ndarray:
    """A smooth picture of hills, (3, H, W) on [0, 1]."""
    rows, columns = np.mgrid[:side, :side] / side
    grays = 0.45 + 0.2 * np.sin(5 * rows + 3 * columns) + 0.1 * np.cos(9 * columns - 2 * rows)
    noise = np.random.default_rng(0).normal(0, 0.01, (3, side, side))
    return (grays * np.array([1.0, 0.9, 0.7])[:, None, None] + noise).astype(np.float32)


def stored(pixels: np.ndarray) -> np.ndarray:
    return np.rint(255 * pixels.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0)


def overlap(found: np.ndarray, drawn) -> float:
    counted = found & ~drawn.unseen
    return float((counted & drawn.hit).sum() / (counted | drawn.hit).sum())


def test_scratches_are_found_and_filled():
    clean = scene()
    drawn = damaged(clean, "scratches", 4)
    result = restore(Picture.from_array(stored(drawn.pixels)), "inpaint", FAST, {"find": "scratches"})
    marked = result.beside["mask"] > 0
    assert overlap(marked, drawn) > 0.5
    image = result.picture.to_array()
    assert np.array_equal(image[~marked], stored(drawn.pixels)[~marked])
    before, after = (np.mean((y.astype(float) - stored(clean)) ** 2) for y in (stored(drawn.pixels), image))
    assert after < before / 4


def test_dust_is_found():
    drawn = damaged(scene(), "dust", 4)
    assert overlap(find(drawn.pixels, "dust"), drawn) > 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["camera", "astronaut", "chelsea"])
def test_a_clean_photograph_comes_back_as_it_is(kind, name):
    image = getattr(data, name)()[:256, :256]
    result = restore(Picture.from_array(image), "inpaint", FAST, {"find": kind})
    assert result.unchanged
    assert np.array_equal(result.picture.to_array(), image)
    assert "could not belong to the scene" in result.reason
    assert not result.beside


ODD = {
    "constant": np.full((3, 64, 64), 0.5, np.float32),
    "black": np.zeros((1, 64, 64), np.float32),
    "ramp": np.broadcast_to(np.linspace(0, 1, 96, dtype=np.float32), (3, 96, 96)),
    "one row": np.linspace(0, 1, 300, dtype=np.float32).reshape(1, 1, 300),
    "one column": np.linspace(0, 1, 300, dtype=np.float32).reshape(1, 300, 1),
    "one pixel": np.zeros((3, 1, 1), np.float32),
    "eight channels": np.repeat(scene()[:1], 8, 0),
    "noise": np.random.default_rng(1).random((3, 128, 128), dtype=np.float32),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ODD)
def test_nothing_is_found_where_nothing_is(kind, name):
    found = find(np.ascontiguousarray(ODD[name]), kind)
    assert found.shape == ODD[name].shape[1:]
    assert found.mean() <= 0.001


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_text_is_searched(kind):
    assert find((data.page()[None] / 255).astype(np.float32), kind).shape == data.page().shape


@pytest.mark.parametrize("channels", [1, 8])
def test_any_number_of_channels_is_searched(channels):
    drawn = damaged(np.repeat(scene()[:1], channels, 0), "scratches", 4)
    assert overlap(find(drawn.pixels, "scratches"), drawn) > 0.4


def test_a_large_picture_is_searched_at_a_fraction_of_its_size(monkeypatch):
    pixels = damaged(scene(), "scratches", 4).pixels
    small = find(pixels, "scratches")
    monkeypatch.setattr("ipse.noise.damage.size.MOST", SIDE**2)
    assert np.array_equal(
        find(pixels.repeat(2, 1).repeat(2, 2), "scratches"), small.repeat(2, 0).repeat(2, 1)
    )
    odd = find(pixels.repeat(2, 1).repeat(2, 2)[:, 1:, :-3], "scratches")
    assert odd.shape == (2 * SIDE - 1, 2 * SIDE - 3)
    assert odd.any()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_sixteen_bits_and_floats_find_the_same(dtype):
    pixels = damaged(scene(), "scratches", 4).pixels.transpose(1, 2, 0)
    image = np.rint(65535 * pixels).astype(dtype) if dtype == np.uint16 else pixels
    result = api.inpaint(image, find="scratches", preset="fast")
    assert result.image.dtype == dtype
    eight = find(damaged(scene(), "scratches", 4).pixels, "scratches")
    assert ((result.beside["mask"] > 0) == eight).mean() > 0.995


def test_the_mask_is_written_beside_and_fills_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(stored(damaged(scene(), "scratches", 4).pixels)).save("print.png")
    told = ["--preset", "fast", "--quiet"]
    assert main(["inpaint", "print.png", "--find", "scratches", "-o", "a.png", *told]) == 0
    said = json.loads((tmp_path / "a.png.ipse.json").read_text())
    assert said["options"]["find"] == "scratches"
    assert "scratches found" in said["estimates"]["mask"]
    mask = np.asarray(Image.open("a.png.mask.png"))
    assert mask.shape == (SIDE, SIDE)
    assert set(np.unique(mask)) == {0, 65535}
    assert main(["inpaint", "print.png", "--mask", "a.png.mask.png", "-o", "b.png", *told]) == 0
    assert np.array_equal(np.asarray(Image.open("a.png")), np.asarray(Image.open("b.png")))
    assert not (tmp_path / "b.png.mask.png").exists()
    before = (tmp_path / "a.png").read_bytes()
    assert main(["rerun", "a.png.ipse.json", "-o", "c.png", "--quiet"]) == 0
    assert (tmp_path / "c.png").read_bytes() == before


def test_nothing_found_leaves_the_file_as_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(data.camera()[:128, :128]).save("clean.png")
    assert main(["inpaint", "clean.png", "--find", "scratches", "-o", "a.png"]) == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "clean.png").read_bytes()
    assert "no scratch was found" in capsys.readouterr().err
    assert not (tmp_path / "a.png.mask.png").exists()


def test_tiles_share_one_mask_of_the_whole():
    drawn = damaged(scene(), "scratches", 4)
    picture = Picture.from_array(stored(drawn.pixels))
    whole, tiled = (
        restore(picture, "inpaint", Settings(preset="fast", tile=tile), {"find": "scratches"})
        for tile in (0, 96)
    )
    assert np.array_equal(whole.beside["mask"], tiled.beside["mask"])
    marked = whole.beside["mask"] > 0
    assert np.array_equal(tiled.picture.to_array()[~marked], stored(drawn.pixels)[~marked])


@pytest.mark.parametrize("options", [{}, {"find": "scratches", "mask": np.eye(SIDE, dtype=bool)}])
def test_either_a_mask_or_what_to_find(options):
    with pytest.raises(errors.OptionError, match=r"give|remove"):
        restore(Picture.from_array(stored(scene())), "inpaint", FAST, options)


def test_what_is_read_part_by_part_needs_a_mask(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(stored(scene())).save("a.tif")
    assert main(["inpaint", "a.tif", "--find", "dust", "-o", "b.zarr"]) == 2
    assert "give a smaller picture" in capsys.readouterr().err
