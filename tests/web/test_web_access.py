"""The page for all: by keyboard, on a phone, in the dark; and what cannot be read is said."""

import numpy as np
import pytest
from browser import begin, choose, drop, hold, paint, painted, reach, shoot
from hosted import noisy, png
from scipy.ndimage import maximum_filter, minimum_filter


def test_without_a_pointer(tab):
    file = {"name": "a.png", "mimeType": "image/png", "buffer": png(noisy(sigma=0))}
    tab.on("filechooser", lambda chooser: chooser.set_files(file))
    reach(tab, "choose")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#start:enabled")
    reach(tab, "", "document.activeElement.dataset.task == 'inpaint'")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#mask")
    reach(tab, "", "document.activeElement.tagName == 'SUMMARY'")
    tab.keyboard.press("Enter")
    reach(tab, "option-preset")
    tab.keyboard.type("Q")
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
    assert tab.get_attribute("#divider", "aria-valuenow") == "51"
    reach(tab, "save")
    with tab.expect_download() as waiting:
        tab.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "a_ipse.png"


def test_what_cannot_be_read_is_said_and_nothing_is_lost(tab):
    drop(tab, png(noisy()))
    choose(tab, "inpaint")
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
    choose(tab, "inpaint")
    assert tab.evaluate(fits)
    begin(tab)
    tab.wait_for_selector("#result")
    assert tab.evaluate(fits)
    if width == 375:
        shoot(tab, "9-phone")
    assert min(tab.locator("#stage").bounding_box().values()) >= 0
    assert tab.locator("#stage").bounding_box()["height"] > 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tab, page, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    ).Axe()

    def check():
        found = axe.run(tab).response["violations"]
        assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found] == []

    tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    check()
    drop(tab, png(noisy()))
    check()
    choose(tab, "inpaint")
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
