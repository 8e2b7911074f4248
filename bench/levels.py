"""The noise level that ``enhance`` finds, against the true one.

python -m bench.levels PICTURES… [--levels 0,2,5,10,20,30,40,60] [--crop 256] [--out bench/out/levels]

From the middle of each picture, noise of each kind and level is made, and the detector of ``enhance`` is run; nothing
is restored. The true level is the root mean square of the noise in the file (before the compression, for a JPEG).
Written to OUT: levels.csv and, where matplotlib is there, levels.png.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from bench import plot
from bench.measures import saved
from ipse.pictures import Picture, read
from ipse.settings import Settings
from ipse.tasks.enhance import enhance

Values = NDArray[np.float64]
Draw = Callable[[Values, float, np.random.Generator], Values]
BLUR = 0.8  # σ of the blur that correlates noise, in pixels
WANTED = 5.0  # levels below this may be left alone; relative errors are of those from here on
ROUNDED = 0.1  # levels below this are those of clean pictures, which a file rounds
#: the JPEG quality after which a kind's noise is read
QUALITY = {"JPEG 85": 85, "JPEG 75": 75, "JPEG 50": 50}


@dataclass(frozen=True)
class Point:
    """One picture with one kind and level of noise."""

    kind: str
    picture: str
    true: float  #: of 255
    found: float  #: of 255; 0 where none was


def white(x: Values, sigma: float, rng: np.random.Generator) -> Values:
    """The same level everywhere."""
    return rng.normal(0, sigma, x.shape)


def channels(x: Values, sigma: float, rng: np.random.Generator) -> Values:
    """Another level in each channel."""
    return white(x, sigma, rng) * np.linspace(0.6, 1.4, x.shape[-1])


def photon(x: Values, sigma: float, rng: np.random.Generator) -> Values:
    """A variance that grows with brightness."""
    return white(x, sigma, rng) * np.sqrt(x / x.mean())


def correlated(x: Values, sigma: float, rng: np.random.Generator) -> Values:
    """Blurred noise."""
    noise = gaussian_filter(white(x, 1, rng), (BLUR, BLUR, 0))
    return noise * sigma / noise.std()


KINDS: dict[str, Draw] = {
    "white": white,
    "channels": channels,
    "photon": photon,
    "correlated": correlated,
    **dict.fromkeys(QUALITY, white),
}


def points(paths: Sequence[Path], levels: Sequence[float], crop: int) -> Iterator[Point]:
    """All points, picture by picture."""
    for path in paths:
        x = _middle(read(path), crop)
        for kind, draw in KINDS.items():
            for level in levels:
                rng = np.random.default_rng(round(100 * level))
                y = np.clip(np.rint(x + draw(x, level, rng)), 0, 255)
                found = _found(_saved(y.astype(np.uint8), QUALITY.get(kind)))
                yield Point(kind, path.stem, float(np.sqrt(np.mean((y - x) ** 2))), found)


def _middle(picture: Picture, side: int) -> Values:
    top, left = (max(0, (length - side) // 2) for length in picture.size)
    pixels = np.moveaxis(picture.pixels, 0, -1)[top : top + side, left : left + side]
    return 255 * pixels.astype(np.float64)


def _saved(y: NDArray[np.uint8], quality: int | None) -> Picture:
    """The picture, or what a JPEG file of it says."""
    return Picture.from_array(y) if quality is None else read(saved(y.squeeze(), quality))


def _found(picture: Picture) -> float:
    """The level that ``enhance`` states: the root mean square over channels."""
    stated: dict[str, Any] = enhance(picture, Settings(preset="fast")).estimates
    variance = np.mean(np.square(stated.get("sigma", 0.0)))
    if stated.get("kind") == "poisson":
        variance += 255**2 * stated["gain"] * picture.pixels.mean()
    return float(np.sqrt(variance))


def table(found: Sequence[Point]) -> str:
    """A line a kind: relative errors from σ = 5 on, what was missed, and what was found where nothing is."""
    rows = [f"{'kind':12}{'median':>8}{'nine of ten':>13}{'missed':>8}{'false':>7}{'of':>5}"]
    for kind in dict.fromkeys(point.kind for point in found):
        noisy = [point for point in found if point.kind == kind and point.true >= WANTED]
        clean = [point for point in found if point.kind == kind and point.true < ROUNDED]
        errors = [abs(point.found / point.true - 1) for point in noisy]
        median, most = np.quantile(errors, (0.5, 0.9)) if errors else (np.nan, np.nan)
        missed = sum(point.found == 0 for point in noisy)
        wrong = sum(point.found > 1 for point in clean)
        rows.append(f"{kind:12}{median:8.1%}{most:13.1%}{missed:8}{wrong:7}{len(noisy):5}")
    return "\n".join(rows)


def draw(found: Sequence[Point], target: Path) -> None:
    """A panel a kind: the true level across, the found one up."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # pyright: ignore[reportMissingImports]
    from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]

    kinds = list(dict.fromkeys(point.kind for point in found))
    figure = Figure(figsize=(14, 7), layout="constrained")
    for panel, kind in zip(figure.subplots(2, 4).flatten(), kinds, strict=False):
        here = [point for point in found if point.kind == kind]
        most = max(point.true for point in here)
        panel.plot((0, most), (0, most), color="#aaaaaa", linewidth=1)
        panel.scatter([p.true for p in here], [p.found for p in here], s=9, color="#b03a2e", alpha=0.6)
        panel.set(title=kind, xlabel="true σ", ylabel="found σ")
        panel.grid(alpha=0.25)
    FigureCanvasAgg(figure).print_png(str(target))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the table, the file and the plot."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.levels", description="Levels of noise, found against true."
    )
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--levels", default="0,2,5,10,20,30,40,60")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--out", type=Path, default=Path("bench/out/levels"))
    chosen = parser.parse_args(arguments)
    levels = [float(level) for level in chosen.levels.split(",")]
    found = list(points(chosen.pictures, levels, chosen.crop))
    chosen.out.mkdir(parents=True, exist_ok=True)
    with (chosen.out / "levels.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, list(asdict(found[0])))
        rows.writeheader()
        rows.writerows(map(asdict, found))
    if plot.available():
        draw(found, chosen.out / "levels.png")
    print(table(found))


if __name__ == "__main__":
    main()
