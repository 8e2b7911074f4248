"""Quality against time: a panel a work, seconds on a logarithmic axis, every method a labelled point."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.methods import Method
from bench.rows import Row
from bench.summary import Line, lines

COLUMNS = 2
FAR = 8.0  # dB: what was given is left out where it would press all others together
OURS, THEIRS = "#b03a2e", "#5d6d7e"


def available() -> bool:
    """Whether matplotlib is there."""
    from importlib.util import find_spec

    return find_spec("matplotlib") is not None


def plot(rows: Sequence[Row], target: Path) -> None:
    """Draw all works of the rows into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # pyright: ignore[reportMissingImports]
    from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]

    works = list(dict.fromkeys(row.work for row in rows if row.kind == "result"))
    columns = min(COLUMNS, len(works))
    height = -(-len(works) // columns)
    figure = Figure(figsize=(6 * columns, 4 * height), layout="constrained")
    panels = figure.subplots(height, columns, squeeze=False).flatten()
    for panel, work in zip(panels, works, strict=False):
        _panel(panel, work, lines(rows, work))
    for panel in panels[len(works) :]:
        panel.set_visible(False)
    FigureCanvasAgg(figure).print_png(str(target))


def _panel(panel: Any, work: str, found: Sequence[Line]) -> None:
    """One work: what was given is a line, for it took no time."""
    panel.set(title=work, xlabel="seconds", ylabel="PSNR, dB", xscale="log")
    panel.grid(alpha=0.25)
    for index, line in enumerate(sorted(found, key=lambda one: one.seconds)):
        if line.method == "damaged":
            if line.psnr < min((one.psnr for one in found if one is not line), default=0.0) - FAR:
                continue
            panel.axhline(line.psnr, color=THEIRS, linestyle=":", linewidth=1)
            where = panel.get_yaxis_transform()
            panel.annotate("damaged", (0.99, line.psnr), xycoords=where, ha="right", va="bottom", fontsize=8)
            continue
        color = OURS if Method(line.method).ours else THEIRS
        panel.scatter(line.seconds, line.psnr, color=color, s=24, zorder=3)
        name = f"ipse {line.method}" if Method(line.method).ours else line.method
        offset = (
            (5, 4) if index % 2 else (5, -11)
        )  # neighbours in time above and below, so that both can be read
        where = line.seconds, line.psnr
        panel.annotate(name, where, textcoords="offset points", xytext=offset, fontsize=8, color=color)
    ours = [line for line in found if Method(line.method).ours and ":" not in line.method]
    presets = sorted(ours, key=lambda one: one.seconds)
    panel.plot([one.seconds for one in presets], [one.psnr for one in presets], color=OURS, linewidth=1)
    panel.margins(x=0.25, y=0.12)
