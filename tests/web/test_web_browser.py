"""The page in a real browser: drop, brush, watch, compare, save."""

import json
from hashlib import sha256

import numpy as np
from browser import LONG, begin, choose, drop, hold, paint, painted, photograph, previews, saved, shoot
from hosted import PROFILE, noisy, opened, png

from ipse.cli import main


def test_from_drop_to_the_saved_file(tab, page):
    shoot(tab, "1-drop")
    drop(tab, photograph())
    assert "noise" in tab.inner_text("#found").lower()
    assert tab.input_value("#task") == "enhance"  # whatever was found
    shoot(tab, "2-found")
    choose(tab, "denoise")
    assert "auto: " in tab.inner_text("#option-sigma-auto")
    hold(tab, "document.querySelector('#plan').textContent.includes('At most')")
    shoot(tab, "2-more")
    begin(tab, **LONG)
    previews(tab, 4)
    tab.click("#panel details > summary")
    tab.wait_for_selector("#panel figure:not([hidden])")
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
    tab.wait_for_selector("#divider")  # shown when the size of both pictures is known
    tab.focus("#divider")
    for _ in range(3):
        tab.keyboard.press("PageUp")
    assert tab.get_attribute("#divider", "aria-valuenow") == "80"
    assert "inset" in tab.evaluate("document.querySelector('.pane + .pane').style.clipPath")
    job = page.client.get("/jobs").json()[-1]
    key, step = ("Home", job["points"][-1]) if job["chosen"] == 0 else ("End", 0)
    tab.focus("#strength")
    tab.keyboard.press(key)
    assert tab.inner_text("output[for=strength]") == f"step {step}"
    hold(tab, f"document.querySelector('img.after').src.endsWith('/points/{step}')")
    shoot(tab, "5-strength")
    name, data = saved(tab, "#save")
    share = round(100 * (1 - job["points"].index(step) / (len(job["points"]) - 1)))
    assert name == f"photo_ipse_strength-{share}.png"
    assert data == page.client.get(f"/jobs/{job['id']}/result", params={"step": step}).content
    assert opened(data).info["icc_profile"] == PROFILE
    assert opened(data).size == opened(photograph()).size
    tab.click("#details > summary")
    name, text = saved(tab, "#receipt")
    assert (name, json.loads(text)["input"]) == (
        f"photo_ipse_strength-{share}.png.ipse.json",
        "photo.png",
    )
    assert json.loads(text)["output_sha256"] == sha256(data).hexdigest()


def test_zoom_shows_single_pixels_and_moves_both_sides_together(tab, page):
    picture = page.upload(png(noisy((60, 80))))
    page.wait(page.submit(picture, preset="fast"))
    tab.reload()
    tab.click("#history button:has-text('Open')")
    tab.wait_for_selector("img.after")
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


def test_a_click_selects_what_has_its_colour_and_is_connected(tab):
    y = np.full((90, 120, 3), 90, np.uint8)
    y[20:50, 20:60] = [200, 60, 60]
    y[20:50, 80:100] = [200, 60, 60]  # the same colour, elsewhere
    y[30:40, 30:40] = [215, 70, 60]  # nearly the same, inside
    drop(tab, png(y), "sign.png")
    choose(tab, "inpaint")
    tab.click("[data-tool='magic']")
    tab.focus("#stage")
    for _ in range(2):
        tab.keyboard.press("ArrowLeft")  # from the middle, 60 pixels from the left
    tab.keyboard.press(" ")
    assert painted(tab) == 30 * 40
    tab.click("button:has-text('Undo')")
    tab.fill("#magic-like", "5")
    tab.focus("#stage")
    tab.keyboard.press(" ")
    assert painted(tab) == 30 * 40 - 10 * 10


def test_a_painted_mask_gives_what_the_command_gives(tab, tmp_path):
    y = noisy((90, 120), sigma=0)
    drop(tab, png(y), "torn.png")
    choose(tab, "inpaint")
    tab.click("#start")
    assert "paint" in tab.inner_text("#alerts")
    tab.click(".alert button")
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


def test_a_piece_first_then_two_results_side_by_side(tab, page):
    drop(tab, png(noisy((260, 272))[..., 0]))
    choose(tab, "denoise")
    tab.click("#trial")
    tab.keyboard.press("ArrowRight")
    shoot(tab, "7-piece")
    begin(tab)
    tab.wait_for_selector("#result")
    assert not tab.query_selector("#save")
    job = page.client.get("/jobs").json()[-1]
    assert job["region"] == [16, 2, 256, 256]
    assert tab.evaluate("document.querySelector('img.before').naturalWidth") == job["size"][1]
    tab.click("#whole")  # restores
    tab.wait_for_selector("#save")
    assert page.client.get("/jobs").json()[-1]["settings"]["preset"] == "fast"
    tab.click("#again")
    tab.wait_for_selector("#start")
    begin(tab, steps=3, rule="last")
    tab.wait_for_selector("#left")
    tab.select_option("#left", index=1)
    hold(tab, "document.querySelector('img.before').src.endsWith('/view')")
    assert tab.inner_text(".side.left") == "Remove noise, Quality: Quick"
    assert tab.locator(".cards li").count() == 2


def test_two_tabs_wait_in_order(tab, page):
    picture = page.upload(png(noisy()))
    first = page.submit(picture, preset="fast", **LONG)
    page.wait(first, lambda job: job["progress"]["step"] > 0)
    drop(tab, png(noisy(seed=1)))
    begin(tab)
    hold(tab, "document.querySelector('#job-state').textContent.includes('next in the queue')")
    page.ask(first, "cancel")
    tab.wait_for_selector("#result")


def test_an_answer_that_was_overtaken_is_not_believed(tab, page):
    picture = page.upload(png(noisy()))
    name = page.submit(picture, preset="fast", **LONG)
    page.wait(name, lambda job: job["progress"]["step"] > 0)
    held = []

    def late(route):
        answer = route.fetch()  # of a job that still runs
        held.append(answer.json()["state"])
        if len(held) == 2:
            page.ask(name, "stop")
            page.wait(name)
            hold(tab, "document.querySelector('#history').textContent.includes('Done')")  # it was heard
        route.fulfill(response=answer)

    tab.route(f"**/api/v1/jobs/{name}", late)
    tab.evaluate(f"location.hash = '#job={name}'")
    tab.wait_for_selector("#result")
    assert held == ["running", "running"]


def test_what_was_not_fitted_has_a_strength_too(tab, page):
    picture = page.upload(png(noisy()), "a.png")
    job = page.wait(page.submit(picture, preset="fast"))
    assert job["points"] == list(range(9))
    tab.evaluate(f"location.hash = '#job={job['id']}'")
    tab.wait_for_selector("#strength")
    assert tab.inner_text("output[for=strength]") == "100 % of the change"
    tab.focus("#strength")
    tab.keyboard.press("Home")
    assert tab.inner_text("output[for=strength]") == "0 % of the change"
    _, data = saved(tab, "#save")
    assert np.array_equal(np.asarray(opened(data)), noisy())
