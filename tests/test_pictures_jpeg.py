"""The coefficients, dequantised and transformed back, are the picture that a decoder shows."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.fft import idctn
from skimage import data

from ipse.errors import PictureError
from ipse.pictures import JpegInfo, jpeg_info, read, standard_table

PHOTO = Image.fromarray(data.astronaut()[40:243, 60:361])


def saved(mode: str = "RGB", **options: Any) -> bytes:
    stream = io.BytesIO()
    PHOTO.convert(mode).save(stream, "JPEG", **options)
    return stream.getvalue()


def planes(info: JpegInfo) -> list[np.ndarray]:
    """x = DCT⁻¹(q c) + 128, rounded, of each component."""
    found = []
    for part, c in zip(info.components, info.coefficients, strict=True):
        blocks = idctn(c * part.table.astype(float), axes=(2, 3), norm="ortho") + 128
        down, across = c.shape[:2]
        found.append(np.clip(np.rint(blocks.transpose(0, 2, 1, 3).reshape(8 * down, 8 * across)), 0, 255))
    return found


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("quality", [10, 50, 90, 100])
def test_gray_is_the_decoders_picture(quality: int, progressive: bool) -> None:
    file = saved("L", quality=quality, progressive=progressive)
    info = jpeg_info(file)
    assert (info.colours, info.quality, info.progressive) == ("gray", quality, progressive)
    assert info.size == (203, 301)
    shown = np.asarray(Image.open(io.BytesIO(file)), dtype=float)
    assert np.abs(planes(info)[0][:203, :301] - shown).max() <= 1


@pytest.mark.parametrize(
    ("options", "colours", "factors", "blocks"),
    [
        ({"subsampling": "4:4:4"}, "ycc", (1, 1), (26, 38)),
        ({"subsampling": "4:2:2"}, "ycc", (2, 1), (26, 19)),
        ({"subsampling": "4:2:0", "progressive": True}, "ycc", (2, 2), (13, 19)),
        ({"keep_rgb": True}, "rgb", (1, 1), (26, 38)),
    ],
)
def test_colour_is_the_decoders_picture(
    options: dict[str, Any], colours: str, factors: tuple[int, int], blocks: tuple[int, int]
) -> None:
    file = saved(**options)
    info = jpeg_info(file)
    assert (info.colours, (info.components[0].h, info.components[0].v)) == (colours, factors)
    assert [c.shape for c in info.coefficients] == [(26, 38, 8, 8), (*blocks, 8, 8), (*blocks, 8, 8)]
    image = Image.open(io.BytesIO(file))
    if colours == "ycc":
        image.draft("YCbCr", image.size)
    shown = np.asarray(image, dtype=float)
    for k in range(3 if factors == (1, 1) else 1):
        assert np.abs(planes(info)[k][:203, :301] - shown[..., k]).max() <= 1


@pytest.mark.parametrize("quality", [1, 5, 30, 75, 100])
def test_tables_are_the_encoders(quality: int) -> None:
    file = saved(quality=quality)
    info, told = jpeg_info(file), Image.open(io.BytesIO(file)).quantization
    assert np.array_equal(info.components[0].table.ravel(), told[0])
    assert np.array_equal(info.components[2].table.ravel(), told[1])
    assert np.array_equal(info.components[0].table, standard_table(quality))
    assert np.array_equal(info.components[1].table, standard_table(quality, chrominance=True))


def test_each_component_has_its_own_table() -> None:
    tables = [[k + 1] * 64 for k in (3, 7)]
    info = jpeg_info(saved(qtables=tables, subsampling=0))
    assert [int(part.table[0, 0]) for part in info.components] == [4, 8, 8]


def test_four_components() -> None:
    info = jpeg_info(saved("CMYK", quality=80))
    assert (len(info.coefficients), info.colours) == (4, "cmyk")


def test_a_picture_knows_its_jpeg_until_it_is_restored() -> None:
    picture = read(io.BytesIO(saved(quality=20)))
    assert picture.jpeg is not None
    assert picture.jpeg.quality == 20
    assert picture.like(picture.pixels).jpeg is None


@pytest.mark.parametrize("file", [b"", b"\xff\xd8", saved()[:100], b"\x89PNG\r\n", saved()[:150]])
def test_broken_headers(file: bytes) -> None:
    with pytest.raises(PictureError, match=r"a\.jpg"):
        jpeg_info(file, name="a.jpg")
