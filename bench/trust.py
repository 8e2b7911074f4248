"""Does s tell e? The disagreement of K seeds against the true error of their average.

python -m bench.trust --data DIR [--works denoise25,upscale4,inpaint50] [--only F16] [--crop 128] [--seeds 5]
                      [--preset good] [--out bench/out/trust]

s is the map that ``--seeds`` writes, e = |x̄ − x| at each pixel, channels joined by root mean square. Pixels that come
back to the bit are not counted, nor the borders that the protocol leaves out. Correlations are over all that counts,
pixel by pixel and over the means of 8×8 blocks. For the calibration pixels are sorted by s into ten bins of one size:
a map that is calibrated has root mean square e = root mean square s in each. Written to OUT: figures.csv,
calibration.csv and, where matplotlib is there, calibration.png.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.cases import Case, case
from bench.works import work
from ipse.pictures.tiling import enlargement
from ipse.runs.trial import middle
from ipse.settings import Settings
from ipse.streams.seeds import Seeds
from ipse.streams.tiles import options_within

Values = NDArray[np.float64]
BLOCK, BINS = 8, 10


@dataclass(frozen=True)
class Figures:
    """How well s tells e, of one picture; NaN where one of them does not vary."""

    work: str
    case: str
    seeds: int
    pearson: float  #: over pixels
    spearman: float
    block_pearson: float  #: over blocks
    block_spearman: float
    ratio: float  #: root mean square e over that of s: 1 of a calibrated map
    psnr_one: float  #: dB, of the first seed
    psnr: float  #: of the average


@dataclass(frozen=True)
class Bin:
    """A tenth of the pixels, of neighbouring s."""

    work: str
    case: str
    index: int
    pixels: int
    disagreement: float  #: root mean square s, on [0, 1]
    error: float  #: root mean square e


def correlation(a: Values, b: Values) -> float:
    """Pearson's; NaN where one does not vary."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) > 1 and a.std() > 0 and b.std() > 0 else float("nan")


def blocks(values: Values, counted: NDArray[np.bool_]) -> Values:
    """Means of the pixels that count, of each 8×8 block that has any."""
    height, width = (length // BLOCK * BLOCK for length in values.shape)
    shape = (height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    whole = counted[:height, :width]
    sums = (values[:height, :width] * whole).reshape(shape).sum((1, 3))
    counts = whole.reshape(shape).sum((1, 3))
    return sums[counts > 0] / counts[counts > 0]


def binned(s: Values, e: Values) -> Iterator[tuple[int, float, float]]:
    """Number of pixels, root mean square s and e, of each tenth in the order of s."""
    for part in np.array_split(np.argsort(s, kind="stable"), BINS):
        if len(part):
            yield len(part), float(np.sqrt(np.mean(s[part] ** 2))), float(np.sqrt(np.mean(e[part] ** 2)))


def cropped(whole: Case, side: int) -> Case:
    """The middle of a case, at most side × side of the result."""
    factor = enlargement(whole.options)
    rows, columns = middle(whole.picture, side // factor)
    large = (..., *(slice(part.start * factor, part.stop * factor) for part in (rows, columns)))
    options = options_within(whole.options, whole.picture.size, rows, columns)
    return replace(
        whole, picture=whole.picture.crop(rows, columns), clean=whole.clean[large], options=options
    )


def measured(name: str, one: Case, settings: Settings) -> tuple[Figures, list[Bin]] | None:
    """Restore a case from K seeds and compare; None where there was nothing to restore."""
    stream, first = Seeds(one.picture, one.task, settings, one.options), float("nan")
    for _ in stream:
        if stream.index == 1 and stream.average.moments is not None and np.isnan(first):
            first = one.psnr(stream.average.moments.mean)
    result, done = stream.result(), stream.average
    if result.disagreement is None or done.moments is None:
        return None
    inside = (slice(one.border, -one.border or None),) * 2
    kept = np.zeros(result.disagreement.shape, np.bool_) if done.keep is None else done.keep
    s, counted = result.disagreement.astype(np.float64)[inside], ~kept[inside]
    average = done.moments.mean.clip(0, 1)
    e = np.sqrt(np.mean((average - one.clean) ** 2, 0))[inside]
    figures = compared(s, e, counted)
    parts = enumerate(binned(s[counted], e[counted]))
    said = Figures(name, one.name, settings.seeds, *figures, psnr_one=first, psnr=one.psnr(average))
    return said, [Bin(name, one.name, index, *part) for index, part in parts]


def compared(s: Values, e: Values, counted: NDArray[np.bool_]) -> tuple[float, float, float, float, float]:
    """Pearson's and Spearman's correlation over pixels and over blocks, and the ratio of e to s."""
    pixels, means = (s[counted], e[counted]), (blocks(s, counted), blocks(e, counted))
    ranked = [tuple(rankdata(part) for part in pair) for pair in (pixels, means)]
    spread = float(np.sqrt(np.mean(pixels[0] ** 2)))
    ratio = float(np.sqrt(np.mean(pixels[1] ** 2))) / spread if spread else float("nan")
    return (
        correlation(*pixels), correlation(*ranked[0]), correlation(*means), correlation(*ranked[1]), ratio,
    )  # fmt: skip


def write(path: Path, rows: Sequence[Figures] | Sequence[Bin]) -> None:
    """A CSV file of rows of one kind."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def plot(path: Path, bins: Sequence[Bin]) -> None:
    """The calibration curve of each work, the mean of its pictures; nothing without matplotlib."""
    try:
        from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]
    except ImportError:
        print(f"{path} is not drawn: install the extra 'bench' for matplotlib")
        return
    figure = Figure((5, 5), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(part.work for part in bins):
        groups = [[part for part in bins if (part.work, part.index) == (name, i)] for i in range(BINS)]
        points = [
            (np.mean([part.disagreement for part in group]), np.mean([part.error for part in group]))
            for group in groups if group
        ]  # fmt: skip
        axes.loglog(*zip(*points, strict=True), "o-", label=name)
    ends = (min(part.disagreement for part in bins if part.disagreement), max(part.error for part in bins))
    axes.loglog(ends, ends, "k:", label="calibrated")
    axes.set(xlabel="disagreement s", ylabel="true error e", title="root mean squares of ten bins")
    axes.tick_params(axis="x", which="minor", labelrotation=90)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--works", default="denoise25,upscale4,inpaint50")
    parser.add_argument("--only", default="", help="parts of pictures' names")
    parser.add_argument("--crop", type=int, default=0, help="side of the middle that is taken; 0 takes all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", default="good")
    parser.add_argument("--out", type=Path, default=Path("bench/out/trust"))
    args = parser.parse_args()
    settings = Settings(preset=args.preset, seeds=args.seeds)
    figures, bins = list[Figures](), list[Bin]()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.works.split(","):
        for path in work(name).paths(args.data, args.only):
            whole = case(work(name), path)
            found = measured(name, cropped(whole, args.crop) if args.crop else whole, settings)
            if found is not None:
                figures.append(found[0])
                bins += found[1]
                print(*(f"{k} {v:.3f}" if isinstance(v, float) else v for k, v in asdict(found[0]).items()))
                write(args.out / "figures.csv", figures)  # after each, so that a run that is cut is not lost
                write(args.out / "calibration.csv", bins)
    if any(part.disagreement for part in bins):
        plot(args.out / "calibration.png", bins)


if __name__ == "__main__":
    main()
