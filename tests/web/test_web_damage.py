"""What is found of the damage becomes the mask on the page, before anything is filled."""

import io
from functools import cache

import numpy as np
import pytest
from browser import choose, drop, hold, painted
from hosted import png
from PIL import Image

from bench.damage import damaged
from ipse.noise.damage import find

TURNED = 6  # the orientation of a photo that was taken upright


@cache
def scratched():
    """A smooth picture with scratches, and where the library finds them."""
    rows, columns = np.mgrid[:140, :170] / 160
    grays = 0.45 + 0.2 * np.sin(5 * rows + 3 * columns) + 0.1 * np.cos(9 * columns - 2 * rows)
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 140, 170))
    clean = (grays * np.array([1.0, 0.9, 0.7])[:, None, None] + noise).astype(np.float32)
    samples = np.rint(255 * damaged(clean, "scratches", 4).pixels.clip(0, 1)).astype(np.uint8)
    marked = find(samples.astype(np.float32) / 255, "scratches")
    assert marked.any()
    return samples.transpose(1, 2, 0), marked


@pytest.mark.parametrize("orientation", [1, TURNED])
def test_a_found_mask_is_that_of_the_library_in_stored_pixels(page, orientation):
    samples, marked = scratched()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = page.upload(png(samples, exif=exif.tobytes()))
    answer = page.client.post(f"/pictures/{picture}/found", params={"what": "scratches"})
    assert answer.status_code == 201
    mask = answer.json()
    assert mask["mask_of"] == picture
    assert "scratches found" in mask["said"]
    file = page.client.get(f"/pictures/{mask['id']}/file").content
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(file)).convert("L")) > 127, marked)
    view = page.client.get(f"/pictures/{mask['id']}/view").content
    upright = Image.open(io.BytesIO(view)).size
    assert upright == ((170, 140) if orientation == 1 else (140, 170))


def test_where_nothing_is_sure_there_is_no_mask_and_nothing_is_left(page):
    picture = page.upload(png(np.full((64, 64, 3), 120, np.uint8)))
    before = set((page.server.store.root / "pictures").iterdir())
    answer = page.client.post(f"/pictures/{picture}/found", params={"what": "dust"})
    assert (answer.status_code, answer.json()) == (200, None)
    assert set((page.server.store.root / "pictures").iterdir()) == before
    wrong = page.client.post(f"/pictures/{picture}/found", params={"what": "ghosts"})
    assert wrong.status_code == 422


def test_what_is_found_can_be_painted_on_and_undone_before_it_is_filled(tab, page):
    samples, marked = scratched()
    drop(tab, png(samples), "torn.png")
    choose(tab, "inpaint")
    tab.click("[data-seek=scratches]")
    hold(tab, "!document.querySelector('[data-seek=scratches]').disabled")
    assert painted(tab) == marked.sum()
    assert page.client.get("/jobs").json() == []
    tab.click("button:has-text('Undo')")
    assert painted(tab) == 0
    tab.click("button:has-text('Redo')")
    tab.click("#mask button:has-text('Grow')")
    assert painted(tab) > marked.sum()


def test_that_nothing_was_found_is_said(tab):
    drop(tab, png(np.full((64, 64, 3), 120, np.uint8)))
    choose(tab, "inpaint")
    tab.click("[data-seek=dust]")
    tab.wait_for_selector(".alert:has-text('Nothing was found')")
