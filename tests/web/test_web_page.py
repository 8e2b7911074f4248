"""The page tells what is so, loses nothing that was done on it, and takes nothing away for good at a click."""

import base64
import json

import numpy as np
from browser import DROP, begin, choose, drop, hold, more, paint, painted, saved
from hosted import noisy, png, until

from ipse.cli import main

CLEAN = np.kron(np.arange(48, dtype=np.uint8).reshape(6, 8), np.ones((12, 12), np.uint8)) * 5


def open_picture(tab, picture):
    tab.evaluate(f"location.hash = '#picture={picture}'")
    tab.wait_for_selector("#start:enabled")


def test_what_is_wrong_is_asked_and_no_research_is_chosen(tab):
    drop(tab, png(CLEAN))
    assert tab.input_value("#task") == "enhance"
    shown = tab.eval_on_selector_all(".tile", "all => all.map(one => one.dataset.task)")
    assert shown == ["denoise", "dejpeg", "inpaint", "upscale", "deblur", "flash"]
    assert tab.locator("#task option[value=compare-priors]").count() == 1
    assert not tab.is_visible("#task")
    more(tab)
    tab.select_option("#option-preset", "fast")
    tab.click("[data-task=inpaint]")
    tab.wait_for_selector("#mask-bar")
    hold(tab, "document.querySelector('#plan').textContent.includes('At most')")  # before anything is painted


def test_a_trial_is_compared_with_its_piece_from_the_first_preview(tab, page):
    missing = []
    tab.on("response", lambda answer: missing.append(answer.url) if answer.status == 404 else None)
    drop(tab, png(noisy((64, 300))))
    choose(tab, "denoise")
    tab.click("#trial")
    begin(tab)
    tab.wait_for_selector("#result")
    tab.wait_for_selector("#divider")
    job = page.client.get("/jobs").json()[-1]
    sizes = tab.evaluate(
        "[...document.querySelectorAll('img.before, img.after')].map(one => [one.naturalHeight, one.naturalWidth])"
    )
    assert sizes == [job["size"], job["size"]]
    assert job["size"] != [64, 300]
    assert missing == []


def test_parts_and_the_time_left_are_shown(tab, page):
    picture = page.upload(png(noisy((64, 300))))
    seen = []
    tab.expose_function("noted", lambda text, value: seen.append((text, value)))
    tab.evaluate("""() => new MutationObserver(() => {
      const bar = document.querySelector("#panel progress");
      const text = document.querySelector("#panel .figures")?.textContent;
      const said = document.querySelector("#job-state")?.textContent;
      if (text && bar) noted(`${text} · ${said}`, bar.hasAttribute("value") ? bar.value : null);
    }).observe(document.querySelector("#panel"), {subtree: true, childList: true, characterData: true})""")
    name = page.submit(picture, preset="fast", tile=64)
    tab.evaluate(f"location.hash = '#job={name}'")
    tab.wait_for_selector("#result")
    parts = [(text, value) for text, value in seen if text.startswith("part ")]
    assert parts
    assert all(value is not None for _, value in parts)
    assert any("left" in text for text, _ in parts)


def test_the_receipt_of_another_strength_makes_what_was_saved(tab, page, tmp_path, monkeypatch):
    data = png(noisy())
    job = page.wait(page.submit(page.upload(data, "a.png"), preset="fast"))
    tab.evaluate(f"location.hash = '#job={job['id']}'")
    tab.wait_for_selector("#strength")
    tab.focus("#strength")
    for _ in range(3):
        tab.keyboard.press("ArrowLeft")
    name, made = saved(tab, "#save")
    assert name == "a_ipse_strength-62.png"
    tab.click("#details > summary")
    said, text = saved(tab, "#receipt")
    assert json.loads(text)["strength"] == 0.625
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / said).write_bytes(text)
    assert main(["rerun", said, "-o", "again.png", "--quiet"]) == 0
    assert (tmp_path / "again.png").read_bytes() == made


def test_a_mask_and_settings_survive_another_task_another_picture_and_a_reload(tab, page):
    picture = page.upload(png(noisy((90, 120), sigma=0)), "torn.png")
    open_picture(tab, picture)
    choose(tab, "inpaint")
    tab.select_option("#option-preset", "best")
    assert tab.is_disabled("button:has-text('Undo')")
    tab.click("button:has-text('Rectangle')")
    box = tab.locator("#stage").bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    assert len(tab.get_attribute(".shape polygon", "points").split()) == 4  # while it is drawn
    tab.mouse.up()
    marked = painted(tab)
    assert marked > 20
    paint(tab, (0.6, 0.6), (0.7, 0.7))
    tab.click("button:has-text('Brush')")
    tab.keyboard.press("Control+z")  # the focus is on a tool
    assert painted(tab) == marked
    choose(tab, "denoise")
    assert not tab.query_selector("canvas.mask")
    choose(tab, "inpaint")
    hold(tab, "!document.querySelector('#mask-bar button:nth-of-type(1)').disabled")
    assert painted(tab) == marked
    drop(tab, png(noisy()), "other.png")
    hold(tab, f"location.hash !== '#picture={picture}'")  # it has come, and is open
    open_picture(tab, picture)
    tab.reload()
    tab.wait_for_selector("canvas.mask")
    until(lambda: painted(tab) == marked)
    more(tab)
    assert (tab.input_value("#task"), tab.input_value("#option-preset")) == ("inpaint", "best")


def test_all_files_come_and_what_is_no_file_is_said(tab):
    drop(tab, png(noisy()), "one.png")
    tab.evaluate("""() => {
      const transfer = new DataTransfer();
      transfer.setData("text/plain", "words");
      document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }""")
    tab.wait_for_selector(".alert:has-text('not a file')")
    files = [
        {"name": f"{name}.png", "mimeType": "image/png", "buffer": png(noisy(seed=k))}
        for k, name in enumerate("xyz")
    ]
    tab.set_input_files("#file", files)
    until(lambda: all(f"{name}.png" in tab.inner_text("#history") for name in "xyz"))


def test_an_upload_is_seen_whatever_is_open_and_can_be_ended(tab):
    drop(tab, png(noisy()))
    held = []
    tab.route("**/api/v1/pictures?name=slow.png", lambda route: held.append(route))  # noqa: PLW0108 - no built-in is taken
    tab.evaluate(DROP, [base64.b64encode(png(noisy(seed=5))).decode(), "slow.png"])
    tab.wait_for_selector("#incoming:has-text('slow.png')")
    until(lambda: held)
    tab.click("#incoming button")
    tab.wait_for_selector("#incoming", state="hidden")
    assert tab.query_selector(".alert") is None


def test_a_deletion_can_be_taken_back_and_takes_the_photograph_with_it(tab, page):
    picture = page.upload(png(noisy(seed=21)), "gone.png")
    job = page.wait(page.submit(picture, preset="fast"))["id"]
    row = tab.locator("#history li:has-text('gone.png')")
    assert row.locator("img").get_attribute("src").endswith(f"/jobs/{job}/thumb")
    row.locator("button:has-text('Delete')").click()
    row.locator("button:has-text('Undo')").click()
    assert page.client.get(f"/jobs/{job}").status_code == 200
    row.locator("button:has-text('Delete')").click()
    tab.reload()  # before the time is up
    until(lambda: page.client.get(f"/pictures/{picture}").status_code == 404)
    assert page.client.get(f"/jobs/{job}").status_code == 404


def test_a_lost_connection_is_said_in_words_until_it_is_back(tab):
    tab.route("**/api/v1/events", lambda route: route.fulfill(status=403))
    tab.reload()
    tab.wait_for_selector("#connection:has-text('lost')")
    tab.unroute("**/api/v1/events")
    tab.wait_for_selector("#connection", state="hidden")
