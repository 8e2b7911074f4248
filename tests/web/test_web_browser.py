"""The page in a real browser: drop, brush, watch, compare, save; by keyboard, on a phone, for all."""

import json
import os

import numpy as np
import pytest
from browser import PROGRAM, begin, drop, hold, paint, painted, photograph, previews, reach, saved, shoot
from hosted import PROFILE, noisy, opened, png
from scipy.ndimage import maximum_filter, minimum_filter

from ipse.cli import main

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium: apt-get install chromium")

LONG = {"steps": 100000, "rule": "last"}


@pytest.fixture(scope="module")
def chromium():
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # whose processes Chromium's sandbox refuses
    with sync_api.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"] if root else [])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium, page):
    """A page of its own; whatever it asks for lies on this server, and nothing in it fails."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, accept_downloads=True)
    context.set_default_timeout(30000)
    asked, failures = [], []
    context.on("request", lambda request: asked.append(request.url))
    one = context.new_page()
    one.on("console", lambda message: failures.append(message.text) if message.type == "error" else None)
    one.on("pageerror", lambda error: failures.append(str(error)))
    one.goto(page.address)
    one.wait_for_selector("body[data-ready]")
    yield one
    context.close()
    assert [url for url in asked if not url.startswith((page.address, "blob:"))] == []
    refusals = [
        text for text in failures if "status of 4" in text
    ]  # a refused upload is said on the page too
    assert [text for text in failures if text not in refusals] == []
    for job in page.client.get("/jobs").json():
        page.client.delete(f"/jobs/{job['id']}")


def test_from_drop_to_the_saved_file(tab, page):
    shoot(tab, "1-drop")
    drop(tab, photograph())
    assert "noise" in tab.inner_text("#found").lower()
    assert "auto: " in tab.inner_text("#option-sigma-auto")
    hold(tab, "document.querySelector('#plan').textContent.includes('At most')")
    shoot(tab, "2-found")
    begin(tab, **LONG)
    previews(tab, 4)
    tab.wait_for_selector("#job figure:not([hidden])")
    shoot(tab, "3-running")
    tab.reload()  # in mid-fit
    tab.wait_for_selector("#job")
    previews(tab, 2)
    tab.click("#pause")
    tab.wait_for_selector("#job-state[data-state=paused]")
    assert not tab.evaluate("document.querySelector('img.after').hidden")
    tab.click("#pause")
    tab.wait_for_selector("#job-state[data-state=running]")
    tab.click("#stop")
    tab.wait_for_selector("#result")
    shoot(tab, "4-result")
    tab.focus("#divider")
    for _ in range(3):
        tab.keyboard.press("PageUp")
    assert "inset" in tab.evaluate("document.querySelector('img.after').style.clipPath")
    job = page.client.get("/jobs").json()[-1]
    key, step = ("Home", job["points"][-1]) if job["chosen"] == 0 else ("End", 0)
    tab.focus("#strength")
    tab.keyboard.press(key)
    assert tab.inner_text("output[for=strength]") == f"step {step}"
    hold(tab, f"document.querySelector('img.after').src.endsWith('/points/{step}')")
    shoot(tab, "5-strength")
    name, data = saved(tab, "#save")
    assert name == "photo_ipse.png"
    assert data == page.client.get(f"/jobs/{job['id']}/result", params={"step": step}).content
    assert opened(data).info["icc_profile"] == PROFILE
    assert opened(data).size == opened(photograph()).size
    name, text = saved(tab, "#receipt")
    assert (name, json.loads(text)["input"]) == ("photo_ipse.png.ipse.json", "photo.png")


def test_zoom_shows_single_pixels_and_moves_both_sides_together(tab, page):
    picture = page.upload(png(noisy((60, 80))))
    page.wait(page.submit(picture, preset="fast"))
    tab.reload()
    tab.click("#history button:has-text('Open')")
    tab.wait_for_selector("#result")
    tab.focus("#stage")
    tab.keyboard.press("1")
    assert tab.inner_text(".percent") == "100 %"
    for _ in range(8):
        tab.keyboard.press("+")
    tab.keyboard.press("ArrowLeft")
    boxes = [tab.locator(f"img.{side}").bounding_box() for side in ("before", "after")]
    assert boxes[0] == boxes[1]
    assert boxes[0]["width"] > 80 * 4
    assert tab.evaluate("getComputedStyle(document.querySelector('img.after')).imageRendering") == "pixelated"


def test_a_painted_mask_gives_what_the_command_gives(tab, tmp_path):
    y = noisy((90, 120), sigma=0)
    drop(tab, png(y), "torn.png")
    tab.select_option("#task", "inpaint")
    tab.click("#start")
    assert "paint" in tab.inner_text("#alerts")
    paint(tab, (0.4, 0.4), (0.5, 0.5))
    first = painted(tab)
    assert first > 20
    tab.click("button:has-text('Grow')")
    grown = painted(tab)
    assert grown > first
    tab.click("button:has-text('Rectangle')")
    paint(tab, (0.6, 0.6), (0.7, 0.7))
    both = painted(tab)
    tab.click("button:has-text('Eraser')")
    paint(tab, (0.6, 0.6), (0.7, 0.7))
    assert painted(tab) < both
    for expected in (both, grown, first, 0):
        tab.click("button:has-text('Undo')")
        assert painted(tab) == expected
    tab.click("button:has-text('Redo')")
    assert painted(tab) == first
    tab.click("button:has-text('Invert')")
    assert painted(tab) == 90 * 120 - first
    tab.click("button:has-text('Invert')")
    tab.click("button:has-text('Lasso')")
    paint(tab, (0.6, 0.2), (0.7, 0.2), (0.65, 0.35))
    shoot(tab, "6-mask")
    _, mask = saved(tab, "button:has-text('Save the mask')")
    begin(tab, task="inpaint")
    tab.wait_for_selector("#result")
    _, data = saved(tab, "#save")
    (tmp_path / "in.png").write_bytes(png(y))
    (tmp_path / "mask.png").write_bytes(mask)
    told = [
        "--mask",
        str(tmp_path / "mask.png"),
        "--polarity",
        "white-is-hole",
        "--preset",
        "fast",
        "--quiet",
    ]
    assert main(["inpaint", str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), *told]) == 0
    assert data == (tmp_path / "out.png").read_bytes()
    known = np.asarray(opened(mask)) == 0
    assert np.array_equal(np.asarray(opened(data))[known], y[known])
    tab.click("#again")
    tab.wait_for_selector("canvas.mask")
    hold(tab, "document.querySelector('#status').textContent.startsWith('Mask')")
    assert painted(tab) == (~known).sum()


def test_without_a_pointer(tab):
    tab.locator("#choose").focus()
    with tab.expect_file_chooser() as chooser:
        tab.keyboard.press("Enter")
    chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": png(noisy(sigma=0))})
    tab.wait_for_selector("#found")
    reach(tab, "task")
    tab.keyboard.type("inp")
    tab.wait_for_selector("#mask")
    reach(tab, "option-preset")
    tab.keyboard.type("f")
    tab.evaluate("document.body.focus()")
    reach(tab, "stage")
    for key in ("Enter", "ArrowRight", "ArrowRight", "ArrowDown", "Enter", "Shift+ArrowLeft", "Space"):
        tab.keyboard.press(key)
    drawn = painted(tab)
    assert drawn > 20
    tab.keyboard.press("Control+z")
    assert 0 < painted(tab) < drawn
    reach(tab, "start")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#result")
    reach(tab, "divider")
    tab.keyboard.press("ArrowRight")
    assert tab.input_value("#divider") == "501"
    reach(tab, "save")
    with tab.expect_download() as waiting:
        tab.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "a_ipse.png"


def test_a_piece_first_then_two_results_side_by_side(tab, page):
    drop(tab, png(noisy((260, 272))))
    tab.click("#trial")
    tab.keyboard.press("ArrowRight")
    shoot(tab, "7-piece")
    begin(tab)
    tab.wait_for_selector("#result")
    assert not tab.query_selector("#save")
    job = page.client.get("/jobs").json()[-1]
    assert job["region"] == [16, 2, 256, 256]
    tab.click("#whole")
    tab.wait_for_selector("#start")
    assert tab.input_value("#option-preset") == "fast"
    begin(tab)
    tab.wait_for_selector("#result")
    tab.click("#again")
    tab.wait_for_selector("#start")
    begin(tab, steps=3, rule="last")
    tab.wait_for_selector("#left")
    tab.select_option("#left", index=1)
    hold(tab, "document.querySelector('img.before').src.endsWith('/view')")
    assert tab.inner_text(".side.left") == "denoise, preset fast"
    assert tab.locator(".cards li").count() == 2


def test_two_tabs_wait_in_order(tab, page):
    picture = page.upload(png(noisy()))
    first = page.submit(picture, preset="fast", **LONG)
    page.wait(first, lambda job: job["progress"]["step"] > 0)
    drop(tab, png(noisy(seed=1)))
    begin(tab)
    hold(tab, "document.querySelector('#job-state').textContent.includes('next in the queue')")
    shoot(tab, "8-queue")
    page.ask(first, "cancel")
    tab.wait_for_selector("#result")


def test_what_cannot_be_read_is_said_and_nothing_is_lost(tab):
    drop(tab, png(noisy()))
    tab.select_option("#task", "inpaint")
    paint(tab, (0.4, 0.4), (0.5, 0.5))
    before = painted(tab)
    tab.evaluate("""() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["<svg/>"], "x.svg", {type: "image/svg+xml"}));
      document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
    }""")
    tab.wait_for_selector(".alert")
    assert "x.svg" in tab.inner_text(".alert")
    tab.set_input_files(
        "#mask-file", {"name": "m.png", "mimeType": "image/png", "buffer": png(noisy((9, 9)))}
    )
    hold(tab, "document.querySelector('#alerts').textContent.includes('9×9')")
    assert painted(tab) == before


@pytest.mark.parametrize(("width", "height"), [(375, 700), (3840, 2160)])
def test_nothing_is_cut_off(tab, width, height):
    tab.set_viewport_size({"width": width, "height": height})
    fits = "document.scrollingElement.scrollWidth <= innerWidth"
    assert tab.evaluate(fits)
    drop(tab, png(noisy()), "a-name-that-is-long-" * 6 + ".png")
    tab.select_option("#task", "inpaint")
    assert tab.evaluate(fits)
    begin(tab)
    tab.wait_for_selector("#result")
    assert tab.evaluate(fits)
    if width == 375:
        shoot(tab, "9-phone")
    assert min(tab.locator("#stage").bounding_box().values()) >= 0
    assert tab.locator("#stage").bounding_box()["height"] > 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(tab, page, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    ).Axe()

    def check():
        found = axe.run(tab).response["violations"]
        assert [
            f"{one['id']}: {one['nodes'][0]['html']}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ] == []

    tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    check()
    drop(tab, png(noisy()))
    tab.click("summary")
    tab.select_option("#task", "inpaint")
    tab.click("#start")  # nothing is painted: an alert
    check()
    begin(tab)
    tab.wait_for_selector("#result")
    check()
    tab.goto(f"{page.address}/api")
    tab.wait_for_selector("section.card")
    check()


def test_grow_and_shrink_are_dilation_and_erosion(tab):
    rng = np.random.default_rng(0)
    for size, radius in (((9, 13), 1), ((20, 7), 3), ((1, 5), 2), ((30, 31), 4)):
        flags = (rng.random(size) < 0.1).astype(np.uint8)
        for sign, filtered in ((1, maximum_filter), (-1, minimum_filter)):
            source = flags if sign > 0 else 1 - flags
            made = tab.evaluate(
                """async ([flags, width, height, radius]) => {
                  const {grown} = await import("/static/js/morphology.js");
                  return [...grown(Uint8Array.from(flags), width, height, radius)];
                }""",
                [source.ravel().tolist(), size[1], size[0], sign * radius],
            )
            outside = 0 if sign > 0 else 1
            expected = filtered(source, size=2 * radius + 1, mode="constant", cval=outside)
            assert np.array_equal(np.reshape(made, size), expected)
