"""Out come the size, mode, depth, profile, EXIF, orientation and alpha that went in."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from ipse.errors import OutputError
from ipse.pictures import Metadata, Picture, check_target, from_array, jpeg_info, read, write
from ipse.pictures.read import LIMIT

RNG = np.random.default_rng(7)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf/></x:xmpmeta>'


def exif_block(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x013B] = "Maker", orientation, "An Artist"
    exif[0x8769] = {0x829A: (1, 125), 0x9003: "2020:01:02 03:04:05", 0xA002: 9, 0xA003: 7}
    exif[0x8825] = {1: "N", 2: (48.0, 30.0, 0.0)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


META = Metadata(icc=ICC, exif=exif_block(), xmp=XMP, dpi=(300.0, 300.0))


def noise(*shape: int, dtype: str = "uint8") -> np.ndarray:
    if dtype == "bool":
        return RNG.random(shape) < 0.5
    if dtype.startswith("float"):
        return RNG.normal(3, 20, shape).astype(dtype)
    info = np.iinfo(dtype)
    return RNG.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def plain(dtype: str, channels: int, *, alpha: bool = False, model: str = "") -> Picture:
    shape = (7, 9) if channels == 1 else (7, 9, channels)
    model = model or {1: "gray", 3: "rgb"}.get(channels, "channels")
    return Picture(
        noise(*shape, dtype=dtype),
        alpha=noise(7, 9, dtype=dtype) if alpha else None,
        model=model,
        metadata=META,
    )


def paletted(*, alpha: bool = False, entries: int = 40) -> Picture:
    table = noise(entries, 4 if alpha else 3)
    samples = RNG.integers(0, entries, (7, 9), dtype=np.uint8)
    opacity = table[samples][..., 3] if alpha else None
    return Picture(samples, alpha=opacity, model="palette", palette=table, metadata=META)


def same(a: Picture, b: Picture) -> None:
    assert (a.mode, a.size, a.dtype, a.channels) == (b.mode, b.size, b.dtype, b.channels)
    assert np.array_equal(a.colours, b.colours)
    assert (a.alpha is None) == (b.alpha is None)
    assert a.alpha is None or np.array_equal(a.alpha, b.alpha)


def same_metadata(a: Metadata, b: Metadata) -> None:
    assert a.icc == b.icc
    assert a.xmp == b.xmp
    assert a.dpi == pytest.approx(b.dpi, rel=1e-3)
    mine, theirs = Image.Exif(), Image.Exif()
    mine.load(a.exif)
    theirs.load(b.exif)
    for tag in (0x010F, 0x0112, 0x013B):
        assert mine[tag] == theirs[tag]
    for directory in (0x8769, 0x8825):
        assert mine.get_ifd(directory) == theirs.get_ifd(directory)


KINDS = {
    "1": plain("bool", 1),
    "L": plain("uint8", 1),
    "LA": plain("uint8", 1, alpha=True),
    "I;16": plain("uint16", 1),
    "LA;uint16": plain("uint16", 1, alpha=True),
    "RGB": plain("uint8", 3),
    "RGBA": plain("uint8", 3, alpha=True),
    "RGB;uint16": plain("uint16", 3),
    "RGBA;uint16": plain("uint16", 3, alpha=True),
    "P": paletted(),
    "P with alpha": paletted(alpha=True),
}
TIFF_KINDS = KINDS | {
    "CMYK": plain("uint8", 4, model="cmyk"),
    "F": plain("float32", 1),
    "F RGBA": plain("float32", 3, alpha=True),
    **{
        f"{t} ×{c}": plain(t, c)
        for t in ("float64", "float16", "uint32", "int16", "int32", "uint8")
        for c in (1, 2, 5)
    },
}
del TIFF_KINDS["P with alpha"]


@pytest.mark.parametrize("kind", KINDS)
def test_png_keeps_everything(kind: str, tmp_path: Path) -> None:
    write(KINDS[kind], tmp_path / "a.png")
    found = read(tmp_path / "a.png")
    assert found.format == "PNG"
    same(found, KINDS[kind])
    same_metadata(found.metadata, META)


@pytest.mark.parametrize("kind", TIFF_KINDS)
def test_tiff_keeps_everything(kind: str, tmp_path: Path) -> None:
    write(TIFF_KINDS[kind], tmp_path / "a.tif")
    found = read(tmp_path / "a.tif")
    assert (found.format, found.frames) == ("TIFF", 1)
    same(found, TIFF_KINDS[kind])
    same_metadata(found.metadata, META)


@pytest.mark.parametrize("kind", ["RGB", "RGBA"])
def test_webp_is_lossless(kind: str, tmp_path: Path) -> None:
    write(KINDS[kind], tmp_path / "a.webp")
    found = read(tmp_path / "a.webp")
    same(found, KINDS[kind])
    assert (found.metadata.icc, found.metadata.xmp, found.orientation) == (ICC, XMP, 6)


@pytest.mark.parametrize("kind", ["L", "RGB", "CMYK"])
def test_jpeg_keeps_the_look_and_what_is_told(kind: str, tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    base = TIFF_KINDS[kind]
    samples = (
        smooth if kind == "L" else np.dstack([smooth, smooth + 20, 200 - smooth, smooth][: base.channels])
    )
    picture = Picture(samples, model=base.model, metadata=META)
    write(picture, tmp_path / "a.jpg")
    found = read(tmp_path / "a.jpg")
    assert (found.mode, found.size, found.format) == (kind, (64, 80), "JPEG")
    assert np.abs(found.samples.astype(int) - samples).mean() < 2
    same_metadata(found.metadata, META)
    info = jpeg_info((tmp_path / "a.jpg").read_bytes())
    assert info.quality == 95
    assert {(part.h, part.v) for part in info.components} == {(1, 1)}


@pytest.mark.parametrize("suffix", [".avif", ".heic"])
@pytest.mark.parametrize("alpha", [False, True])
def test_modern_lossy_formats_keep_the_look(suffix: str, alpha: bool, tmp_path: Path) -> None:
    if suffix == ".heic":
        pytest.importorskip("pillow_heif", reason="HEIC is an extra")
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    samples = np.dstack([smooth, smooth + 20, 200 - smooth])
    picture = Picture(
        samples, alpha=smooth if alpha else None, model="rgb", metadata=Metadata(icc=ICC, exif=exif_block(1))
    )
    write(picture, tmp_path / f"a{suffix}")
    found = read(tmp_path / f"a{suffix}")
    assert (found.mode, found.size) == (picture.mode, picture.size)
    assert np.abs(found.samples.astype(int) - samples).mean() < 2
    assert found.metadata.icc == ICC
    assert b"An Artist" in (found.metadata.exif or b"")


@pytest.mark.parametrize("kind", TIFF_KINDS)
def test_unchanged_pixels_give_the_stored_samples(kind: str) -> None:
    picture = TIFF_KINDS[kind]
    same(picture.like(picture.pixels), picture)


@pytest.mark.parametrize("kind", TIFF_KINDS)
def test_kept_samples_come_back_bit_by_bit(kind: str) -> None:
    picture = TIFF_KINDS[kind]
    keep = RNG.random(picture.size) < 0.5
    result = picture.like(RNG.random(picture.pixels.shape, dtype=np.float32), keep=keep)
    assert np.array_equal(result.colours[keep], picture.colours[keep])
    assert not np.array_equal(result.colours[~keep], picture.colours[~keep])
    assert (result.mode, result.dtype, result.metadata) == (picture.mode, picture.dtype, picture.metadata)


@pytest.mark.parametrize("kind", KINDS | {"F": plain("float32", 1), "CMYK": TIFF_KINDS["CMYK"]})
def test_a_larger_result_keeps_the_kind(kind: str) -> None:
    picture = TIFF_KINDS.get(kind) or KINDS[kind]
    height, width = (3 * side for side in picture.size)
    result = picture.like(np.repeat(np.repeat(picture.pixels, 3, axis=1), 3, axis=2))
    assert (result.size, result.mode, result.dtype) == ((height, width), picture.mode, picture.dtype)
    assert result.alpha is None or result.alpha.shape == (height, width)
    exif = Image.Exif()
    exif.load(result.metadata.exif)
    assert (exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003]) == (width, height)
    assert result.orientation == 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 150), (150, 1), (1, 400, 3)])
def test_thin_pictures(shape: tuple[int, ...], tmp_path: Path) -> None:
    picture = from_array(noise(*shape))
    for suffix in (".png", ".tif", ".webp", ".jpg", ".bmp"):
        write(picture, tmp_path / f"a{suffix}")
        assert read(tmp_path / f"a{suffix}").size == shape[:2]


@pytest.mark.parametrize(
    ("kind", "name", "fits"),
    [
        ("I;16", "a.jpg", ".png"),
        ("RGBA", "a.jpg", ".webp"),
        ("LA", "a.bmp", ".png"),
        ("CMYK", "a.png", ".tif"),
        ("F", "a.png", ".tif"),
        ("RGB;uint16", "a.webp", ".png"),
        ("RGB", "a.gif", ".png"),
        ("RGB", "a.xyz", ".png"),
    ],
)
def test_a_format_that_cannot_hold_it_is_refused(kind: str, name: str, fits: str, tmp_path: Path) -> None:
    for act in (check_target, write):
        with pytest.raises(OutputError) as caught:
            act(TIFF_KINDS[kind], tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert fits in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_size_limits_of_formats_are_known_before(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="16383"):
        check_target(KINDS["RGB"], tmp_path / "a.webp", size=(20000, 100))
    assert LIMIT >= 2**27
