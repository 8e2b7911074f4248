"""Bands of an earth's picture: each is restored, and stays in its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage import data

import ipse
from ipse.pictures import read, write
from ipse.pictures.large.draft import Draft
from ipse.pictures.large.write import encode

CLEAN = np.dstack([data.coffee()[100:164, 150:222], data.camera()[90:154, 200:272]])
BANDS = np.clip(np.rint(CLEAN + np.random.default_rng(0).normal(0, 20, CLEAN.shape)), 0, 255).astype(np.uint8)
SCALE, TIES, KEYS = 33550, 33922, 34735
AREA, POINT = ((1, 1, 0, 1, 1025, 0, 1, kind) for kind in (1, 2))
TAGS: dict[int, tuple[str, Any]] = {
    SCALE: ("d", (10.0, 10.0, 0.0)),
    TIES: ("d", (0.0, 0.0, 0.0, 500000.0, 4600000.0, 0.0)),
    KEYS: ("H", AREA),
    34736: ("d", (6378137.0,)),
    34737: ("s", "WGS 84|"),
    42112: ("s", "<GDALMetadata><Item name='a'>b</Item></GDALMetadata>"),
    42113: ("s", "255"),
}


def saved(path: Path, *, keys: tuple[int, ...] = AREA, planar: bool = False) -> Path:
    tags = TAGS | {KEYS: ("H", keys)}
    extra = [
        (code, kind, 0 if kind == "s" else len(value), value, True) for code, (kind, value) in tags.items()
    ]
    bands = np.moveaxis(BANDS, -1, 0) if planar else BANDS
    tifffile.imwrite(
        path, bands, photometric="minisblack", planarconfig="separate" if planar else "contig",
        extrasamples=["unspecified"] * 3, extratags=extra, metadata=None,
    )  # fmt: skip
    return path


def told(path: Path) -> dict[int, Any]:
    with tifffile.TiffFile(path) as tif:
        found = tif.pages[0].tags
        return {code: found[code].value for code in TAGS if code in found}


def test_every_tag_comes_back(tmp_path: Path) -> None:
    source, target = saved(tmp_path / "a.tif"), tmp_path / "b.tif"
    write(read(source), target)
    assert told(target) == told(source)
    assert len(told(target)) == len(TAGS)


@pytest.mark.parametrize(("keys", "tie"), [(AREA, 0.0), (POINT, 1.0)])
def test_an_enlarged_picture_has_smaller_pixels_in_the_same_place(
    keys: tuple[int, ...], tie: float, tmp_path: Path
) -> None:
    picture = read(saved(tmp_path / "a.tif", keys=keys))
    write(picture.like(picture.pixels.repeat(3, 1).repeat(3, 2)), tmp_path / "b.tif")
    found = told(tmp_path / "b.tif")
    assert found[SCALE] == pytest.approx((10 / 3, 10 / 3, 0))
    assert found[TIES] == pytest.approx((tie, tie, 0, 500000, 4600000, 0))


def test_a_matrix_is_scaled_about_the_middle_of_a_pixel() -> None:
    from ipse.pictures.geo import MATRIX, GeoTag, enlarged

    turned = np.array([[0.0, 2, 0, 7], [3, 0, 0, 9], [0, 0, 0, 0], [0, 0, 0, 1]])
    tags = (GeoTag(MATRIX, tuple(turned.ravel().tolist())), GeoTag(KEYS, POINT))
    found = np.array(enlarged(tags, 2, 4)[0].value).reshape(4, 4)
    for i, j in ((0, 0), (5, 3)):  # the middle of a pixel, and where it lies among the smaller ones
        before, after = (i, j, 0, 1), (2 * (i + 0.5) - 0.5, 4 * (j + 0.5) - 0.5, 0, 1)
        assert found @ after == pytest.approx(turned @ before)


def test_damaged_tags_are_left_out() -> None:
    from ipse.pictures.geo import geo_tags

    class Tag:
        value = "no number"

    assert geo_tags({SCALE: Tag()}) == ()


@pytest.mark.parametrize("planar", [False, True])
def test_all_four_bands_are_restored(planar: bool, tmp_path: Path) -> None:
    source, target = saved(tmp_path / "a.tif", planar=planar), tmp_path / "b.tif"
    write(ipse.denoise(source, preset="fast").picture, target)
    assert told(target) == told(source)
    found = tifffile.imread(target)
    assert found.shape == tifffile.imread(source).shape
    restored = np.moveaxis(found, 0, -1) if planar else found
    for band in range(4):
        before, after = (
            np.mean((x[..., band].astype(float) - CLEAN[..., band]) ** 2) for x in (BANDS, restored)
        )
        assert after < 0.5 * before


def test_a_large_planar_file_is_written_as_one(tmp_path: Path) -> None:
    like = read(saved(tmp_path / "a.tif", planar=True))
    draft = Draft(tmp_path / "draft", BANDS.shape, BANDS.dtype)
    draft.write(0, BANDS)
    encode(draft, tmp_path / "b.tif", like=like, format="TIFF")
    draft.close()
    assert np.array_equal(tifffile.imread(tmp_path / "b.tif"), np.moveaxis(BANDS, -1, 0))
