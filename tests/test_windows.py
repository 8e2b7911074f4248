"""Windows show what the whole file holds, and a draft becomes the file that the whole would have become."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import IFDRational
from refusals import refused

from ipse.errors import OutputError, PictureError
from ipse.pictures import Metadata, Picture, read, write
from ipse.pictures.large import Draft, Source, check_room, encode, opened, put, size_of
from ipse.pictures.large.zarr import created
from ipse.pictures.metadata import exif_of

SIZE = (75, 131)
RNG = np.random.default_rng(5)
GRAY = RNG.integers(0, 2**16, SIZE, dtype=np.uint16)
RGB = RNG.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
RGBA = RNG.integers(0, 256, (*SIZE, 4), dtype=np.uint8)
KINDS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "tiles": (RGB, {"tile": (32, 48), "compression": "zlib", "predictor": True, "photometric": "rgb"}),
    "strips": (RGB, {"rowsperstrip": 7, "compression": "lzw", "photometric": "rgb"}),
    "one strip, BigTIFF": (GRAY, {"rowsperstrip": 75, "bigtiff": True}),
    "big-endian": (GRAY, {"byteorder": ">", "rowsperstrip": 10}),
    "planes": (np.moveaxis(RGB, 2, 0), {"planarconfig": "separate", "photometric": "rgb", "tile": (16, 16)}),
    "alpha": (RGBA, {"photometric": "rgb", "extrasamples": ["unassalpha"], "tile": (64, 64)}),
    "floats": (RGB.astype(np.float32) * 3 - 100, {"photometric": "rgb", "rowsperstrip": 20}),
}
PLACES = st.tuples(*(st.tuples(st.integers(0, n - 1), st.integers(1, n)) for n in SIZE))


def agrees(source: Source | None, whole: Picture, places: tuple[tuple[int, int], ...]) -> None:
    assert source is not None
    rows, columns = (slice(a, min(a + n, side)) for (a, n), side in zip(places, SIZE, strict=True))
    part, wanted = source.crop(rows, columns), whole.crop(rows, columns)
    np.testing.assert_array_equal(part.samples, wanted.samples)
    assert part.levels == wanted.levels
    assert (part.model, part.dtype, part.metadata) == (wanted.model, wanted.dtype, wanted.metadata)
    assert (part.alpha is None) == (wanted.alpha is None)
    if part.alpha is not None and wanted.alpha is not None:
        np.testing.assert_array_equal(part.alpha, wanted.alpha)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(places=PLACES)
def test_a_window_of_a_tiff_is_that_part_of_it(
    kind: str, places: tuple[tuple[int, int], ...], tmp_path: Path
) -> None:
    array, options = KINDS[kind]
    tifffile.imwrite(tmp_path / "in.tif", array, resolution=(150, 150), resolutionunit=2, **options)
    agrees(opened(tmp_path / "in.tif"), read(tmp_path / "in.tif"), places)


@pytest.mark.parametrize("array", [GRAY, RGB, RGBA], ids=["gray", "rgb", "rgba"])
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(places=PLACES)
def test_a_window_of_a_png_is_that_part_of_it(
    array: np.ndarray, places: tuple[tuple[int, int], ...], tmp_path: Path
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = {"icc_profile": profile} if array.ndim == 3 else {}  # libpng drops it from gray
    Image.fromarray(array).save(tmp_path / "in.png", dpi=(300, 300), **colours)
    source = opened(tmp_path / "in.png")
    agrees(source, read(tmp_path / "in.png"), places)


def test_a_jpeg_brings_its_coefficients_where_they_are_asked_for(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "in.jpg", quality=30)
    source, whole = opened(tmp_path / "in.jpg", coefficients=True), read(tmp_path / "in.jpg")
    assert source is not None
    part, wanted = (one.crop(slice(32, 75), slice(64, 131)).jpeg for one in (source, whole))
    assert part is not None
    assert wanted is not None
    for mine, theirs in zip(part.coefficients, wanted.coefficients, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert opened(tmp_path / "in.jpg").jpeg is None  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize("axes", ["YX", "CYX", "TCZYX"])
def test_a_window_of_a_zarr_picture(axes: str, tmp_path: Path) -> None:
    array = np.moveaxis(RGB, 2, 0) if "C" in axes else GRAY
    shape = tuple(1 if axis in "TZ" else 3 if axis == "C" else SIZE["YX".index(axis)] for axis in axes)
    created(tmp_path / "in.zarr", shape, axes, array.dtype, name="a")[...] = array.reshape(shape)
    source = opened(tmp_path / "in.zarr")
    assert source is not None
    part = source.crop(slice(10, 50), slice(100, 131))
    whole = RGB if "C" in axes else GRAY
    np.testing.assert_array_equal(part.samples, whole[10:50, 100:131])


@pytest.mark.parametrize("format", ["TIFF", "PNG", "ZARR"])
@pytest.mark.parametrize("array", [GRAY, RGB, RGBA], ids=["gray", "rgb", "rgba"])
def test_a_draft_becomes_the_picture_that_the_whole_would(
    array: np.ndarray, format: str, tmp_path: Path
) -> None:
    picture = Picture.from_array(array)
    draft = Draft(tmp_path / "rows", (*SIZE, array.reshape(*SIZE, -1).shape[2]), array.dtype)
    for start in (40, 0):  # in any order
        draft.write(start, array.reshape(*SIZE, -1)[start : start + 40])
    name = tmp_path / f"out.{format.lower()}"
    encode(draft, name, like=picture, format=format)
    draft.close()
    if format == "ZARR":
        found = opened(name)
        assert found is not None
        samples = found.window(slice(0, SIZE[0]), slice(0, SIZE[1]))
        np.testing.assert_array_equal(samples, array.reshape(*SIZE, -1))
    else:
        np.testing.assert_array_equal(read(name).to_array(), array)
    assert {path.name for path in tmp_path.iterdir()} == {name.name}


@pytest.mark.parametrize("kind", ["tif", "BigTIFF", "png"])
def test_profile_resolution_and_exif_go_along(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = {"BigTIFF": "tif"}.get(kind, kind)
    monkeypatch.setattr("ipse.pictures.large.write.CLASSIC", 0 if kind == "BigTIFF" else 1 << 32)
    exif = Image.Exif()
    exif.update({0x010F: "maker", 0x0112: 6})
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    exif.get_ifd(0x8769)[0x829A] = IFDRational(1, 250)
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 8.0, 14.5)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    meta = Metadata(icc=profile, exif=exif.tobytes().removeprefix(b"Exif\0\0"), dpi=(300.0, 300.0))
    whole = Picture(RGB, model="rgb", metadata=meta)
    draft = Draft(tmp_path / "rows", (*SIZE, 3), RGB.dtype)
    draft.write(0, RGB)
    encode(draft, tmp_path / f"out.{suffix}", like=whole, format={"tif": "TIFF"}.get(suffix, "PNG"))
    draft.close()
    write(whole, tmp_path / f"whole.{suffix}")
    found, wanted = (read(tmp_path / f"{name}.{suffix}").metadata for name in ("out", "whole"))
    told, asked = exif_of(found.exif), exif_of(wanted.exif)
    assert found.icc == profile
    assert found.orientation == 6
    assert told[0x010F] == asked[0x010F] == "maker"
    for place in (0x8769, 0x8825):
        for one in (told, asked):
            assert exif.get_ifd(place).items() <= one.get_ifd(place).items()
    if suffix == "tif":
        with tifffile.TiffFile(tmp_path / "out.tif") as tif:
            assert tif.is_bigtiff == (kind == "BigTIFF")
            assert tif.pages[0].tags[0x8769].value["DateTimeOriginal"] == "2026:01:02 03:04:05"
    assert found.dpi == pytest.approx((300, 300), rel=1e-3)


def test_a_tiff_that_was_cut_short_is_refused_at_once(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", RGB, photometric="rgb", rowsperstrip=8)
    data = (tmp_path / "in.tif").read_bytes()
    (tmp_path / "in.tif").write_bytes(data[:-5000])
    with refused(PictureError, tmp_path / "in.tif", "cut short"):
        opened(tmp_path / "in.tif")


def test_a_strip_that_is_damaged_is_named_when_it_is_met(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", RGB, photometric="rgb", rowsperstrip=8, compression="zlib")
    with tifffile.TiffFile(tmp_path / "in.tif") as tif:
        place = tif.pages[0].dataoffsets[5]
    data = bytearray((tmp_path / "in.tif").read_bytes())
    data[place : place + 40] = bytes(40)
    (tmp_path / "in.tif").write_bytes(data)
    source = opened(tmp_path / "in.tif")
    assert source is not None
    source.crop(slice(0, 40), slice(0, 9))
    with refused(PictureError, tmp_path / "in.tif", "damaged"):
        source.crop(slice(40, 48), slice(0, 9))


def test_too_little_room_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(tmp_path, 1000)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=3 << 30))
    with refused(OutputError, tmp_path, "4.0 GiB", "3.0 GiB"):
        check_room(tmp_path, 4 << 30)


def test_a_taken_name_stays_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "out.tif").write_bytes(b"mine")
    draft = Draft(tmp_path / "rows", (*SIZE, 3), RGB.dtype)
    draft.write(0, RGB)
    with refused(OutputError, tmp_path / "out.tif", "exists"):
        put(tmp_path / "out.tif", partial(encode, draft, like=Picture.from_array(RGB), format="TIFF"))
    draft.close()
    assert (tmp_path / "out.tif").read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_the_size_is_in_the_header(suffix: str, tmp_path: Path) -> None:
    large = RNG.integers(0, 256, (300, 400), dtype=np.uint8)
    write(Picture.from_array(large), tmp_path / f"in.{suffix}")
    assert size_of(tmp_path / f"in.{suffix}") == (300, 400)
    write(Picture.from_array(large[:9, :9]), tmp_path / f"small.{suffix}")
    assert size_of(tmp_path / f"small.{suffix}") is None
