"""How soon the page shows what: first paint, a dropped photo, the sentence of what was found, the draft.

    python scripts/page_times.py --megapixels 12
    python scripts/page_times.py --megapixels 12 --whole

With --whole also the rest, to the saved file: how true the time left was, how soon the page answers meanwhile, and what
the file holds. IPSE_HOURS=0.12 ends the restoration after so long with the best so far, as for any job of a server.
Needs Chromium and playwright. The photo is scikit-image's rocket, enlarged, with noise, as an upright JPEG.
"""

import argparse
import base64
import io
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from ipse.web.examples import noisy, photograph

PORT = 7869
ORIENTATION = 0x0112
DROP = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type: "image/jpeg"}));
  document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


ANSWERED = """() => {
  window.answers = [];
  const keep = (list) => list.getEntries().forEach((one) => window.answers.push(one.duration));
  new PerformanceObserver(keep).observe({type: "event", durationThreshold: 16});
}"""
EVERY = 5.0  # seconds between two looks at a job


def clean(megapixels: float) -> Image.Image:
    """The photograph without noise, as it is stored."""
    wide = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    return photograph("rocket.jpg").resize((wide, wide * 3 // 4), Image.Resampling.BICUBIC)


def photo(large: Image.Image) -> bytes:
    """The noisy photograph that a phone held upright would store."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    stream = io.BytesIO()
    noisy(large, sigma=12).save(stream, "JPEG", quality=92, exif=exif)
    return stream.getvalue()


def until(page: Any, test: str) -> float:
    """Wait until an expression is true; return the time."""
    while not page.evaluate(test):
        time.sleep(0.005)
    return time.perf_counter()


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser()
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument(
        "--presses", type=int, default=0, help="keys pressed while it is restored, without --whole"
    )
    told = parser.parse_args()
    large = clean(told.megapixels)
    data = photo(large)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as tools:
        command = [sys.executable, "-m", "ipse", "serve", "--no-browser", "--no-token"]
        server = subprocess.Popen([*command, "--port", str(PORT), "--folder", f"{folder}/kept"])
        try:
            measure(tools, data, large if told.whole else None, told.presses)
        finally:
            server.terminate()
            server.wait()


def measure(tools: Any, data: bytes, large: Image.Image | None, presses: int) -> None:
    """Open the page, drop the photo, and print what came when; with what is true, to the saved file."""
    address = f"http://127.0.0.1:{PORT}/"
    for _ in range(200):
        try:
            urlopen(f"{address}health")
            break
        except OSError:
            time.sleep(0.1)
    browser = tools.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page()
    paints: list[float] = []
    for _ in range(5):
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    print(f"first paint: {np.median(paints):.0f} ms")
    time.sleep(15)  # the workers are there
    began = time.perf_counter()
    page.evaluate(DROP, [base64.b64encode(data).decode(), "photo.jpg"])
    sent = time.perf_counter()
    print(f"given to the browser: {sent - began:.2f} s")
    said = {
        "the photo is seen": "!document.querySelector('img.before').hidden",
        "Enhance can be pressed": "!document.querySelector('#start').disabled",
        "a sentence": "!/ooking/.test(document.querySelector('#found').textContent)",
    }
    for what, test in said.items():
        print(f"{what}: {until(page, test) - sent:.2f} s")
    print(page.inner_text("#found"))
    sent = time.perf_counter()
    page.click("#start")
    print(f"a draft: {until(page, '!document.querySelector(`img.after`).hidden') - sent:.2f} s after Enhance")
    if large is not None:
        watch(page, sent, data, large)
    elif presses:
        page.evaluate(ANSWERED)
        for _ in range(presses):
            press(page)
            time.sleep(0.5)
        answered(page)
    total = sum(f.stat().st_size for f in Path("src/ipse/web/static").rglob("*") if f.is_file())
    print(f"the page's files, with all languages: {total / 1000:.0f} kB")
    browser.close()


def press(page: Any) -> None:
    """Zoom, move and fit the picture, and unfold or fold the details."""
    page.focus("#stage")
    for key in ("+", "ArrowLeft", "0"):
        page.keyboard.press(key)
    page.click("#panel details > summary")


def answered(page: Any) -> None:
    """Print how long the page took to answer."""
    answers: list[float] = page.evaluate("window.answers")
    print(f"{len(answers)} events of 16 ms or more while it was restored")
    if answers:
        print(f"the slowest {max(answers):.0f} ms, the middle one {np.median(answers):.0f} ms")


def watch(page: Any, began: float, data: bytes, large: Image.Image) -> None:
    """Look at a job until it ends, and press keys meanwhile; then save it and print what the file holds."""
    page.evaluate(ANSWERED)
    said: list[tuple[float, str]] = []
    while not page.query_selector("#save"):
        said.append((time.perf_counter() - began, page.inner_text("#job-state")))
        press(page)
        time.sleep(EVERY)
    end = time.perf_counter() - began
    for at, text in said:
        print(f"{at:7.1f} s, {end - at:7.1f} s before the end: {text}")
    answered(page)
    with page.expect_download() as waiting:
        page.click("#save")
    made, given = (Image.open(one) for one in (waiting.value.path(), io.BytesIO(data)))
    print(
        f"saved after {end:.0f} s: {made.format} {made.size}, orientation {made.getexif().get(ORIENTATION)}"
    )
    same = (made.format, made.size, made.getexif()[ORIENTATION]) == (given.format, given.size, 6)
    before, after = (
        peak_signal_noise_ratio(np.asarray(large), np.asarray(one.convert("RGB"))) for one in (given, made)
    )
    print(f"as it came: {same}; PSNR {before:.2f} dB before, {after:.2f} dB after")


if __name__ == "__main__":
    main()
