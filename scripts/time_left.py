"""How true the time left is: what was predicted at moments of real jobs, over what it took.

    OMP_NUM_THREADS=1 python scripts/time_left.py

Three pictures that scikit-image ships, each as a file: noisy, a JPEG, twice as large with noise. Any other arguments
are files to enhance instead. Seconds are those of the processor, so that other processes on the machine do not count.
"""

import argparse
import io
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image
from skimage import data

from ipse.pictures import read
from ipse.settings import Settings
from ipse.streams.forecast import Forecast
from ipse.streams.open import open_stream
from ipse.work import Clock

EVERY = 0.5  # seconds between two predictions
MOMENTS = (10.0, 30.0)


def noisy(image: np.ndarray, sigma: float) -> Image.Image:
    """An image with Gaussian noise."""
    drawn = image + np.random.default_rng(0).normal(0, sigma, image.shape)
    return Image.fromarray(drawn.clip(0, 255).round().astype(np.uint8))


def pictures() -> dict[str, bytes]:
    """Three pictures as files."""
    coffee = Image.fromarray(data.coffee())
    twice = coffee.resize((2 * coffee.width, 2 * coffee.height), Image.Resampling.LANCZOS)
    images: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "astronaut, noise of 15": (noisy(data.astronaut(), 15), {"format": "PNG"}),
        "chelsea, JPEG of quality 60": (Image.fromarray(data.chelsea()), {"format": "JPEG", "quality": 60}),
        "coffee × 2, noise of 10": (noisy(np.asarray(twice), 10), {"format": "PNG"}),
    }
    files: dict[str, bytes] = {}
    for name, (image, how) in images.items():
        file = io.BytesIO()
        image.save(file, **how)
        files[name] = file.getvalue()
    return files


def followed(path: Path, task: str) -> tuple[list[tuple[float, float | None]], float]:
    """Restore a file; return the predictions with their moments, and the seconds of the whole."""
    stream = open_stream(read(path), task, Settings())
    forecast, over, begun = Forecast(stream), threading.Event(), time.process_time()
    said: list[tuple[float, float | None]] = []

    def ask() -> None:
        while not over.wait(EVERY):
            said.append((time.process_time() - begun, forecast.left()))

    thread = threading.Thread(target=ask)
    thread.start()
    forecast.look()
    for _ in stream:
        pass
    whole = time.process_time() - begun
    over.set()
    thread.join()
    return said, whole


def row(name: str, said: list[tuple[float, float | None]], whole: float) -> str:
    """A row of the table: seconds in all, predicted over actual at each moment, and the extremes from 10 s on."""

    def at(moment: float) -> str:
        if not moment < whole:
            return "–"
        _, left = min(said, key=lambda one: abs(one[0] - moment))
        return "none" if left is None else f"{(moment + left) / whole:.2f} · {left / (whole - moment):.2f}"

    ratios = [left / (whole - t) for t, left in said if left is not None and 10 <= t <= whole - 3]
    extremes = f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "–"
    cells = [at(moment) for moment in (*MOMENTS, whole / 2)]
    return f"| {name} | {whole:.0f} s | {' | '.join(cells)} | {extremes} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--task", default="enhance")
    told = parser.parse_args()
    torch.set_num_threads(1)
    Clock.now = staticmethod(time.process_time)
    print("| picture | in all | at 10 s: whole · left | at 30 s | half way | left, from 10 s on |")
    print("|---|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        paths = {path.name: path for path in told.files}
        for name, content in ({} if paths else pictures()).items():
            paths[name] = Path(folder) / f"{len(paths)}.{'jpg' if 'JPEG' in name else 'png'}"
            paths[name].write_bytes(content)
        for name, path in paths.items():
            print(row(name, *followed(path, told.task)), flush=True)


if __name__ == "__main__":
    main()
