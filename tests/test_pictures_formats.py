"""What files of one format do in their own way is read as every picture is."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms, ImageOps

from ipse.pictures import Metadata, Picture, from_array, read, write

RNG = np.random.default_rng(13)


def noise(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def display_p3() -> bytes:
    """Display P3: the sRGB profile with the wider primaries, adapted to D50."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for k in range(struct.unpack_from(">I", profile, 128)[0]):
        name, place = struct.unpack_from(">4sI", profile, 132 + 12 * k)
        if name in primaries:
            struct.pack_into(">3i", profile, place + 8, *(round(v * 65536) for v in primaries[name]))
    return bytes(profile)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif", ".heic"])
def test_a_display_p3_picture_keeps_its_profile_and_numbers(suffix: str, tmp_path: Path) -> None:
    if suffix == ".heic":
        pytest.importorskip("pillow_heif", reason="HEIC is an extra")
    profile = display_p3()
    assert ImageCms.getOpenProfile(io.BytesIO(profile)).profile.red_primary[1][0] == pytest.approx(
        0.68, abs=0.01
    )
    red = np.zeros((16, 16, 3), np.uint8) + np.array([250, 20, 30], np.uint8)
    write(Picture(red, model="rgb", metadata=Metadata(icc=profile)), tmp_path / f"a{suffix}")
    found = read(tmp_path / f"a{suffix}")
    assert found.metadata.icc == profile
    assert np.abs(found.samples.astype(int) - red).max() <= (0 if suffix in (".png", ".tif", ".webp") else 3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_interlaced_deep_png(channels: int) -> None:
    samples = noise(9, 11, channels, dtype="uint16")
    kind = "rgb16" if channels > 1 else "grey16"
    data = pyvips.Image.new_from_array(samples).copy(interpretation=kind).pngsave_buffer(interlace=True)
    found = read(io.BytesIO(data))
    assert found.dtype == np.uint16
    assert np.array_equal(found.to_array(), samples.squeeze())


@pytest.mark.parametrize("mode", ["LAB", "CMYK"])
def test_tiff_of_other_colours(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(noise(8, 8, 3)).convert(mode)
    image.save(tmp_path / "a.tif")
    first = read(tmp_path / "a.tif")
    assert first.mode == mode
    write(first.like(first.pixels), tmp_path / "b.tif")
    with Image.open(tmp_path / "a.tif") as before, Image.open(tmp_path / "b.tif") as after:
        assert after.mode == mode
        assert after.tobytes() == before.tobytes()


def test_a_tiff_of_luma_and_chroma_is_colour(tmp_path: Path) -> None:
    image = Image.fromarray(noise(8, 8, 3)).convert("YCbCr")
    image.save(tmp_path / "a.tif")
    found = read(tmp_path / "a.tif")
    assert (found.mode, found.format) == ("RGB", "TIFF")
    assert np.array_equal(found.samples, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_shows_the_upright_view(orientation: int, tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="HEIC is an extra")
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    steps = np.zeros((32, 64, 3), np.uint8)
    steps[:16, :32], steps[:16, 32:], steps[16:, :32] = 250, 170, 90
    write(Picture(steps, model="rgb", metadata=Metadata(exif=block)), tmp_path / "a.heic")
    found = read(tmp_path / "a.heic")
    image = Image.fromarray(steps)
    image.info["exif"] = exif.tobytes()
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert found.orientation == 1
    assert found.samples.shape == upright.shape
    assert np.abs(found.samples.astype(int) - upright).mean() < 2


@pytest.mark.parametrize("order", ["contig", "separate"])
@pytest.mark.parametrize("big", [False, True])
def test_tiff_planes_and_byte_orders(order: str, big: bool, tmp_path: Path) -> None:
    samples = noise(8, 6, 5, dtype="uint16")
    tifffile.imwrite(
        tmp_path / "a.tif",
        samples if order == "contig" else np.moveaxis(samples, -1, 0),
        planarconfig=order,
        photometric="minisblack",
        byteorder=">" if big else "<",
        bigtiff=big,
    )
    found = read(tmp_path / "a.tif")
    assert np.array_equal(found.samples, samples)
    assert found.pixels.shape == (5, 8, 6)


def test_tiff_white_is_zero_reads_as_gray(tmp_path: Path) -> None:
    samples = noise(8, 6)
    tifffile.imwrite(tmp_path / "a.tif", 255 - samples, photometric="miniswhite")
    assert np.array_equal(read(tmp_path / "a.tif").samples, samples)


def test_pages_and_frames_are_counted(tmp_path: Path) -> None:
    stack = noise(3, 8, 6)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    frames = [Image.fromarray(frame) for frame in stack]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    for name in ("a.tif", "a.gif"):
        found = read(tmp_path / name)
        assert found.frames == 3
        assert np.array_equal(found.pixels[0], stack[0].astype(np.float32) / np.float32(255))


def test_png_text_and_gamma_are_carried(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write(from_array(noise(5, 6)), tmp_path / "plain.png")
    chunks = ((b"gAMA", (45455).to_bytes(4, "big")), (b"tEXt", b"Title\0Radiograph"))
    picture = read(tmp_path / "plain.png")
    write(Picture(picture.samples, metadata=Metadata(png=chunks)), tmp_path / "told.png")
    assert read(tmp_path / "told.png").metadata.png == chunks
    with Image.open(tmp_path / "told.png") as image:
        image.save(stream, "PNG")
        assert image.info["Title"] == "Radiograph"


def test_a_transparent_colour_becomes_alpha(tmp_path: Path) -> None:
    image = Image.new("RGB", (3, 2), (9, 8, 7))
    image.putpixel((1, 1), (1, 2, 3))
    image.save(tmp_path / "a.png", transparency=(1, 2, 3))
    alpha = read(tmp_path / "a.png").alpha
    assert alpha is not None
    assert alpha.tolist() == [[255] * 3, [255, 0, 255]]
