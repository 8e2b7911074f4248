"""Looking at a result: side by side, one instead of the other, their difference, zoom by wheel, fingers and clicks."""

import io

import numpy as np
import pytest
from browser import drop, hold, reach
from hosted import noisy, png
from PIL import Image


@pytest.fixture
def result(tab, page):
    """A finished job that is open."""
    job = page.wait(page.submit(page.upload(png(noisy((60, 80))), "a.png"), preset="fast"))
    tab.evaluate(f"location.hash = '#job={job['id']}'")
    tab.wait_for_selector("#save")
    hold(
        tab,
        "document.querySelector('img.after').src.endsWith('/view') && !document.querySelector('#divider').hidden",
    )
    return tab


def seen(tab):
    """The pixels of the stage."""
    return np.asarray(Image.open(io.BytesIO(tab.locator("#stage").screenshot())).convert("RGB"), int)


def boxes(tab):
    return [tab.locator(f"img.{name}").bounding_box() for name in ("before", "after")]


def test_side_by_side_shows_the_same_place_twice(result):
    result.click("#see-side")
    left, right = boxes(result)
    half = result.locator("#stage").bounding_box()["width"] / 2
    assert right["x"] - left["x"] == pytest.approx(half, abs=1.5)
    assert (right["y"], right["width"], right["height"]) == (left["y"], left["width"], left["height"])
    assert left["width"] <= half
    result.mouse.move(left["x"] + 5, left["y"] + 5)
    result.mouse.wheel(0, -300)
    result.focus("#stage")
    result.keyboard.press("ArrowUp")
    left, right = boxes(result)
    assert right["x"] - left["x"] == pytest.approx(half, abs=1.5)
    assert right["y"] == left["y"]
    assert not result.is_visible("#divider")
    result.click("#see-split")
    assert boxes(result)[0] == boxes(result)[1]


def test_space_shows_the_one_instead_of_the_other(result):
    result.keyboard.press("Home")
    result.focus("#divider")
    result.keyboard.press("Home")  # all of it is after
    after = seen(result)
    result.focus("#stage")
    result.keyboard.press(" ")
    assert result.get_attribute("#see-flip", "aria-pressed") == "true"
    before = seen(result)
    assert np.abs(after - before).mean() > 3
    result.keyboard.press(" ")
    assert np.abs(seen(result) - after).mean() < 0.5


def test_the_difference_is_black_where_nothing_changed_and_amplified_elsewhere(result, page):
    job = page.client.get("/jobs").json()[-1]["id"]
    made = np.asarray(Image.open(io.BytesIO(page.client.get(f"/jobs/{job}/view").content)), int)
    expected = np.minimum(255, 8 * np.abs(made - noisy((60, 80)).astype(int)))
    result.click("#see-difference")
    box = result.locator("img.after").bounding_box()
    stage = result.locator("#stage").bounding_box()
    top, left = (round(box[one] - stage[one]) for one in ("y", "x"))
    picture = seen(result)[
        top + 4 : top + round(box["height"]) - 4, left + 4 : left + round(box["width"]) - 4
    ]
    assert picture.mean() == pytest.approx(expected.mean(), rel=0.1)
    result.focus("#strength")
    result.keyboard.press("Home")  # nothing of the change: the picture as it came
    hold(result, "document.querySelector('img.after').src.includes('/points/')")
    still = seen(result)[top + 4 : top + round(box["height"]) - 4, left + 4 : left + round(box["width"]) - 4]
    assert still.max() <= 8


def test_where_several_runs_disagree_can_be_laid_over(tab, page):
    job = page.wait(page.submit(page.upload(png(noisy())), preset="fast", seeds=2, steps=3))
    tab.evaluate(f"location.hash = '#job={job['id']}'")
    tab.wait_for_selector("#see-map:not([hidden])")
    hold(tab, "document.querySelector('img.map').src.endsWith('/disagreement')")
    before = seen(tab)
    tab.click("#see-map")
    assert np.abs(seen(tab) - before).mean() > 3


def test_a_double_click_shows_single_pixels_and_another_the_whole(result):
    box = result.locator("img.before").bounding_box()
    fitted = result.inner_text(".percent")
    result.mouse.dblclick(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    assert result.inner_text(".percent") == "100 %"
    stage = result.locator("#stage").bounding_box()
    result.mouse.dblclick(stage["x"] + 30, stage["y"] + 30)
    assert result.inner_text(".percent") == fitted


def test_two_fingers_zoom_and_move_as_they_do(chromium, page):
    job = page.wait(page.submit(page.upload(png(noisy((60, 80)))), preset="fast"))["id"]
    context = chromium.new_context(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    tab = context.new_page()
    tab.goto(f"{page.address}/#job={job}")
    tab.wait_for_selector("#save")
    hold(tab, "!document.querySelector('#divider').hidden")
    touch = context.new_cdp_session(tab)
    box, before = tab.locator("#stage").bounding_box(), tab.locator("img.before").bounding_box()
    middle = (box["x"] + 90, box["y"] + 100)

    def fingers(kind, span):
        points = (
            []
            if span is None
            else [{"x": middle[0] + side * span, "y": middle[1], "id": k} for k, side in enumerate((-1, 1))]
        )
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 20)
    for span in (25, 30, 40):
        fingers("touchMove", span)
    fingers("touchEnd", None)
    after = tab.locator("img.before").bounding_box()
    assert after["width"] / before["width"] == pytest.approx(2, rel=0.05)
    for axis, size, at in (
        ("x", "width", middle[0]),
        ("y", "height", middle[1]),
    ):  # what was between them still is
        assert (at - after[axis]) / after[size] == pytest.approx((at - before[axis]) / before[size], abs=0.02)
    context.close()


def test_the_histogram_shows_less_spread_after_than_before(result):
    result.focus("#stage")
    reach(result, "see-histogram")
    result.keyboard.press("Enter")
    curves = result.evaluate(
        "[...document.querySelectorAll('.histogram polyline')].map(one => [...one.points].map(p => 31 - p.y))"
    )
    wide = [sum(height > 0 for height in curve) for curve in curves]
    assert len(curves) == 2
    assert 0 < wide[1] < wide[0]  # noise spread the values
    result.keyboard.press("Enter")
    assert result.locator(".histogram").is_hidden()


def test_a_large_photo_is_moved_as_a_copy_and_seen_closely_as_it_is(tab):

    picture = np.zeros((1800, 2400, 3), np.uint8)
    picture[::2, ::2] = 255  # single pixels, which a copy does not have
    drop(tab, png(picture), "large.png")
    wide = "document.querySelector('img.before').naturalWidth"
    hold(tab, f"{wide} === 2048")
    tab.focus("#stage")
    tab.keyboard.press("1")
    hold(tab, f"{wide} === 2400")
    tab.keyboard.press("0")
    hold(tab, f"{wide} === 2048")
