"""A real browser for tests, and what they do in it."""

import base64
import os
import shutil
from pathlib import Path

import numpy as np
from hosted import PROFILE, png, until

LONG = {"steps": 100000, "rule": "last"}
NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next((found for name in NAMES if (found := shutil.which(name))), None)
SHOTS = os.environ.get("IPSE_SCREENSHOTS")  # a folder for the pictures of the docs
DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/png"}));
  document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def photograph():
    """A noisy piece of a photograph; larger for the docs."""
    from skimage.data import chelsea

    side = 256 if SHOTS else 96
    x = chelsea()[30 : 30 + side, 100 : 100 + side + side // 4]
    noisy = x + np.random.default_rng(0).normal(0, 25, x.shape)
    return png(np.rint(noisy).clip(0, 255).astype(np.uint8), icc_profile=PROFILE)


def hold(tab, expression):
    """Wait until an expression is true; the page's own policy forbids to ask from within."""
    until(lambda: tab.evaluate(expression), 30)


def drop(tab, data, name="photo.png"):
    """Drop a file onto the page, and wait until it is open."""
    tab.evaluate(DROP, [base64.b64encode(data).decode(), name])
    tab.wait_for_selector("#start:enabled")
    hold(tab, "!/ooking/.test(document.querySelector('#found').textContent)")


def more(tab):
    """Unfold the settings."""
    if not tab.evaluate("document.querySelector('#more').open"):
        tab.click("#more > summary")


def choose(tab, task):
    """Choose a task among all."""
    more(tab)
    tab.select_option("#task", task)


def begin(tab, *, task="denoise", steps=None, rule=None):
    """Choose the quickest settings, and start."""
    choose(tab, task)
    tab.select_option("#option-preset", "fast")
    if steps is not None:
        tab.fill("#option-steps", str(steps))
        tab.select_option("#option-rule", rule)
        tab.keyboard.press("Tab")
    tab.click("#start")
    tab.wait_for_selector("#job, #result")


def previews(tab, count):
    """Wait until so many previews were shown."""
    hold(tab, f"Number(document.querySelector('img.after').dataset.shown || 0) >= {count}")


def saved(tab, selector):
    """Click, and return the name and bytes of the download."""
    with tab.expect_download() as waiting:
        tab.locator(selector).click()
    download = waiting.value
    return download.suggested_filename, Path(download.path()).read_bytes()


def shoot(tab, name):
    """Take a picture of the page for the docs, if one was asked for."""
    if SHOTS:
        tab.wait_for_timeout(300)
        tab.screenshot(path=Path(SHOTS) / f"{name}.jpg", type="jpeg", quality=80)


def paint(tab, *points):
    """Draw with the pointer; points are shares of the stage."""
    box = tab.locator("#stage").bounding_box()
    spots = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    tab.mouse.move(*spots[0])
    tab.mouse.down()
    for spot in spots[1:]:
        tab.mouse.move(*spot, steps=4)
    tab.mouse.up()


def painted(tab):
    """The number of painted pixels of the mask's canvas."""
    return tab.evaluate("""() => {
      const c = document.querySelector("canvas.mask");
      const {data} = c.getContext("2d").getImageData(0, 0, c.width, c.height);
      let count = 0;
      for (let k = 3; k < data.length; k += 4) count += data[k] > 127;
      return count;
    }""")


def reach(tab, wanted, test=None, most=80):
    """Press Tab until the element has the focus."""
    for _ in range(most):
        tab.keyboard.press("Tab")
        if tab.evaluate(test or f"document.activeElement.id == '{wanted}'"):
            return
    raise AssertionError(f"Tab does not reach {wanted or test}")
