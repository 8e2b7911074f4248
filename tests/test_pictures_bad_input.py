"""What cannot be used is refused in one line that names it; what cannot be written leaves nothing behind."""

import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from refusals import PICTURE, RGB, refused

from ipse.errors import OutputError, PictureError
from ipse.pictures import from_array, from_pil, read, to_pil, write


def header_only(width: int, height: int) -> bytes:
    """A PNG that promises a size and brings no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("text.png", b"This is no picture at all.\n", ["not a picture"]),
        ("empty.png", b"", ["empty"]),
        ("huge.png", header_only(60000, 60000), ["60000×60000", "at most 268 million"]),
        ("wide.png", header_only(20000, 13500), ["20000×13500"]),
        ("none.png", header_only(0, 10), ["damaged"]),
        ("start.png", b"\x89PNG\r\n\x1a\n\0\0", ["damaged"]),
        ("start.jpg", b"\xff\xd8\xff\xe0\0", ["damaged"]),
        ("start.tif", b"II*\0\x08\0\0\0", ["damaged"]),
        ("zip.png", b"PK\x03\x04" + bytes(200), ["not a picture"]),
    ],
)
def test_files_that_are_no_pictures(name: str, data: bytes, words: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with refused(PictureError, tmp_path / name, *words):
        read(tmp_path / name)
    with pytest.raises(PictureError):
        read(io.BytesIO(data))


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".avif", ".tif", ".gif"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_truncated_file(suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"cut{suffix}"
    write(PICTURE if suffix == ".gif" else RGB, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with refused(PictureError, path):
        read(path)


def test_a_truncated_plain_tiff(tmp_path: Path) -> None:
    path = tmp_path / "cut.tif"
    tifffile.imwrite(path, RGB.samples)
    path.write_bytes(path.read_bytes()[:5000])
    with refused(PictureError, path, "cut short"):
        read(path)


def test_a_tiff_of_too_many_pixels(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    tifffile.imwrite(path, RGB.samples[..., 0])
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        for name in ("ImageWidth", "ImageLength"):
            tag = tif.pages[0].tags[name]
            struct.pack_into("<HI", data, tag.offset + 2, 4, 1)
            struct.pack_into("<I", data, tag.offset + 8, 60000)
    path.write_bytes(data)
    with refused(PictureError, path, "60000×60000"):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with refused(PictureError, tmp_path / "no.png", "no such file"):
        read(tmp_path / "no.png")
    with refused(PictureError, tmp_path, "folder"):
        read(tmp_path)
    with refused(PictureError, "a\0b.png"):
        read("a\0b.png")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(bad: float, tmp_path: Path) -> None:
    samples = np.zeros((4, 5), np.float32)
    samples[1, 2:4] = bad
    tifffile.imwrite(tmp_path / "a.tif", samples)
    with refused(PictureError, tmp_path / "a.tif", "2 of 20"):
        read(tmp_path / "a.tif")
    with refused(PictureError, "the array", "2 of 20"):
        from_array(samples)
    with pytest.raises(PictureError, match="NaN"):
        PICTURE.like(np.full((1, 60, 80), bad, np.float32))


@pytest.mark.parametrize(
    "array",
    [np.zeros((0, 3)), np.zeros((3, 0, 3)), np.zeros(4), np.zeros((2, 2, 2, 2)), np.zeros((2, 2), complex)],
)
def test_arrays_that_are_no_pictures(array: np.ndarray) -> None:
    with pytest.raises(PictureError):
        from_array(array)
    with pytest.raises(PictureError):
        from_array([["a", "b"]])


def test_pixels_of_another_shape() -> None:
    with pytest.raises(PictureError, match=r"expected \(1, H, W\)"):
        PICTURE.like(np.zeros((3, 60, 80), np.float32))
    with pytest.raises(PictureError, match="keep"):
        PICTURE.like(np.zeros((1, 60, 80), np.float32), keep=np.ones((6, 8), bool))
    with pytest.raises(PictureError, match="no mode"):
        to_pil(from_array(np.zeros((2, 2, 3), np.uint16)))


def test_content_judges_not_the_name(tmp_path: Path) -> None:
    write(RGB, tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    found = read(tmp_path / "a.jpg")
    assert found.format == "PNG"
    assert np.array_equal(found.samples, RGB.samples)


def test_heic_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with refused(PictureError, tmp_path / "a.heic", "ipse[heic]"):
        read(tmp_path / "a.heic")
    with refused(OutputError, "HEIC", "ipse[heic]"):
        write(RGB, tmp_path / "b.heic")
    monkeypatch.undo()
    with refused(PictureError, tmp_path / "a.heic", "damaged"):
        read(tmp_path / "a.heic")


def test_an_image_of_no_size() -> None:
    with pytest.raises(PictureError, match="no pixels"):
        from_pil(Image.new("RGB", (0, 5)))
