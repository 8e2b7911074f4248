"""Arrays and PIL images to pixels in [0, 1] and back, to the sample."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from ipse.errors import PictureError
from ipse.pictures import from_array, from_pil, read, to_pil, write

RNG = np.random.default_rng(11)


def noise(*shape: int, dtype: str = "uint8") -> np.ndarray:
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from(["uint8", "uint16", "int16", "int32", "uint32", "bool", "float32", "float64"]).map(
            np.dtype
        ),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
        elements={"allow_nan": False, "allow_infinity": False, "min_value": None, "max_value": None},
    )
)
def test_any_array_comes_back(array: np.ndarray) -> None:
    try:
        picture = from_array(array)
    except PictureError as error:
        assert "too far apart" in str(error)  # noqa: PT017 - floats whose range is no number
        return
    assert picture.pixels.dtype == np.float32
    assert picture.pixels.min() >= 0
    assert picture.pixels.max() <= 1
    back = picture.like(picture.pixels).to_array()
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_integers_are_rounded_and_clipped() -> None:
    picture = from_array(np.zeros((1, 5), np.uint8))
    pixels = np.array([[[-0.3, 1.4, 0.6 / 255, 0.4 / 255, 254.6 / 255]]], np.float32)
    assert picture.like(pixels).samples.tolist() == [[0, 255, 1, 0, 255]]


def test_sixteen_bits_have_no_bands(tmp_path: Path) -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    for name, samples in (("gray", ramp), ("colour", np.dstack([ramp, ramp[::-1], ramp.T]))):
        picture = from_array(samples)
        for suffix in (".png", ".tif"):
            moved = picture.pixels + np.float32(0.2 / 65535)  # below half a level: rounding takes it back
            write(picture.like(moved), tmp_path / (name + suffix))
            assert np.array_equal(read(tmp_path / (name + suffix)).samples, samples)


def test_floats_beyond_one_come_back_in_their_own_units() -> None:
    samples = np.array([[-1000.0, 0.0, 3000.0]])
    picture = from_array(samples)
    assert picture.pixels.tolist() == [[[0.0, 0.25, 1.0]]]
    half = picture.like(np.full((1, 1, 3), 0.5, np.float32)).samples
    assert half.dtype == np.float64
    assert half.tolist() == [[1000.0] * 3]


def test_floats_inside_one_are_pixels() -> None:
    samples = RNG.random((4, 5, 3)).astype(np.float32) * 0.5
    assert np.array_equal(from_array(samples).pixels, np.moveaxis(samples, -1, 0))


def test_channel_axis_is_put_back() -> None:
    planes = noise(4, 6, 7)
    assert from_array(planes, channel_axis=0).alpha is not None
    assert np.array_equal(from_array(planes, channel_axis=0).to_array(), planes)
    assert from_array(planes, channel_axis=0, alpha=False).pixels.shape == (4, 6, 7)
    assert from_array(noise(6, 7, 1)).to_array().shape == (6, 7, 1)
    with pytest.raises(PictureError, match=r"expected \(H, W\)"):
        from_array(planes, channel_axis=None)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "I;16", "I", "F", "RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "HSV"]
)
def test_pil_images_come_back(mode: str) -> None:
    base = (
        Image.fromarray(noise(7, 9, 4), "RGBA")
        if mode != "I;16"
        else Image.fromarray(noise(7, 9, dtype="uint16"))
    )
    image = base if mode in ("I;16", "RGBA") else base.convert("RGB").convert(mode)
    back = to_pil(from_pil(image))
    assert (back.mode, back.size) == (image.mode, image.size)
    assert back.tobytes() == image.tobytes()
    assert back.getpalette() == image.getpalette()
