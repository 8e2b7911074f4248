"""A result in a notebook shows the picture before, the picture after, and what was found."""

import io
import re
from base64 import b64decode

import numpy as np
from PIL import Image

import ipse
from ipse.pictures import exhibit

CLEAN = np.full((40, 56, 3), 96, np.uint8)
CLEAN[10:30, 14:42] = 160
NOISY = (CLEAN + np.random.default_rng(0).normal(0, 20, CLEAN.shape)).clip(0, 255).astype(np.uint8)


def shown(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(b64decode(one))) for one in found]


def test_a_result_shows_before_after_and_what_was_found() -> None:
    result = ipse.denoise(NOISY, sigma=20, preset="fast")
    html = result._repr_html_()
    before, after = shown(html)
    assert np.array_equal(np.asarray(before), NOISY)
    assert np.array_equal(np.asarray(after), result.image)
    assert "before, 56×40" in html
    assert "after, 56×40" in html
    assert f">{result.reason}<" in html
    assert ">Gaussian noise" in html
    assert "src=http" not in html
    both = Image.open(io.BytesIO(result._repr_png_()))
    assert both.size == (56 * 2 + exhibit.GAP, 40)
    assert np.array_equal(np.asarray(both.convert("RGB"))[:, :56], NOISY)
    assert np.array_equal(np.asarray(both.convert("RGB"))[:, -56:], result.image)


def test_an_enlarged_picture_stands_beside_its_original_at_one_height() -> None:
    result = ipse.upscale(CLEAN[:16, :24], factor=2, preset="fast")
    assert [image.size for image in shown(result._repr_html_())] == [(24, 16), (48, 32)]
    assert Image.open(io.BytesIO(result._repr_png_())).size == (48 * 2 + exhibit.GAP, 32)


def test_large_pictures_are_shown_small_and_text_is_escaped() -> None:
    large = ipse.Picture.from_array(np.zeros((10, 2000), np.uint16))
    result = ipse.Result(picture=large, reason="a < b", estimates={"<kind>": 1 / 3}, step=3, steps=9)
    html = result._repr_html_()
    (after,) = shown(html)
    assert after.size == (exhibit.SIDE, 3)
    assert "a &lt; b" in html
    assert "&lt;kind&gt;" in html
    assert ">0.3333<" in html
    assert ">step 3 of 9<" in html
