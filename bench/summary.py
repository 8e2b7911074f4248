"""Rows → a line a work and method: means over the pictures, the ratio to the published recipe, stops, seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from bench.rows import Row
from bench.table import figure, markdown

HEADER = (
    *("method", "pictures", "PSNR", "SSIM", "wall s", "CPU s", "MiB", "× recipe"),
    *("stop loss", "worst", "seeds", "worst", "σ"),
)


@dataclass(frozen=True)
class Line:
    """A method on a work; None where there is nothing to say."""

    method: str
    pictures: int
    psnr: float
    ssim: float | None
    seconds: float
    cpu_seconds: float
    memory: float  #: the largest
    ratio: float | None  #: time of the published recipe over ours, of all pictures together
    loss: float | None  #: dB, best step − what the rule chose, mean
    worst_loss: float | None
    spread: float | None  #: dB, largest − smallest over seeds, mean over pictures
    worst_spread: float | None
    deviation: float | None  #: standard deviation over seeds, mean over pictures

    @property
    def cells(self) -> list[str]:
        """As it is printed."""
        decimals = (self.psnr, self.ssim, self.seconds, self.cpu_seconds, self.memory, self.ratio)
        forms = (".2f", ".3f", ".2f", ".2f", ".0f", ",.0f")
        rest = (self.loss, self.worst_loss, self.spread, self.worst_spread, self.deviation)
        cells = [figure(value, form) for value, form in zip(decimals, forms, strict=True)]
        return [self.method, str(self.pictures), *cells, *(figure(value) for value in rest)]


def lines(rows: Iterable[Row], work: str) -> list[Line]:
    """One line a method, in the order in which they were measured."""
    mine = [row for row in rows if row.work == work]
    recipe = {row.size: (row.seconds or 0) * (row.steps or 0) for row in mine if row.kind == "reference"}
    methods = dict.fromkeys(row.method for row in mine if row.kind == "result")
    return [_line(name, [row for row in mine if row.method == name], recipe) for name in methods]


def _line(method: str, rows: Sequence[Row], recipe: dict[str, float]) -> Line:
    """Means over pictures, of each picture's mean over seeds."""
    results = [row for row in rows if row.kind == "result"]
    losses = [row.best_psnr - row.psnr for row in rows if row.kind == "stops" and row.best_psnr and row.psnr]
    pictures: dict[str, list[float]] = {}
    for row in results:
        pictures.setdefault(row.case, []).append(row.psnr or 0.0)
    repeated = [values for values in pictures.values() if len(values) > 1]
    spreads = [max(values) - min(values) for values in repeated]
    similar = [row.ssim for row in results if row.ssim is not None]
    ours = sum(row.seconds or 0 for row in results)
    full = [recipe.get(row.size) for row in results]
    return Line(
        method,
        pictures=len(pictures),
        psnr=fmean(fmean(values) for values in pictures.values()),
        ssim=fmean(similar) if similar else None,
        seconds=ours / len(results),
        cpu_seconds=fmean(row.cpu_seconds or 0 for row in results),
        memory=max(row.memory or 0 for row in results),
        ratio=None if None in full or method == "damaged" else sum(one or 0 for one in full) / ours,
        loss=fmean(losses) if losses else None,
        worst_loss=max(losses, default=None),
        spread=fmean(spreads) if spreads else None,
        worst_spread=max(spreads, default=None),
        deviation=fmean(pstdev(values) for values in repeated) if repeated else None,
    )


def report(rows: Sequence[Row]) -> str:
    """All works, in Markdown."""
    parts: list[str] = []
    for work in dict.fromkeys(row.work for row in rows):
        parts.append(f"## {work}\n\n{markdown(HEADER, [line.cells for line in lines(rows, work)])}\n")
        steps = [row for row in rows if row.work == work and row.kind == "reference"]
        parts += [
            f"Published recipe, {row.case}: {row.steps} steps of {row.seconds:.2f} s, {row.memory:.0f} MiB.\n"
            for row in steps
        ]
    imports = [row.imports for row in rows if row.imports and row.kind == "result" and row.method in OURS]
    if imports:
        parts.append(f"Importing ipse takes {fmean(imports):.1f} s more, once a process.\n")
    return "\n".join(parts)


OURS = ("fast", "good", "best")
