"""Cells of a page, run one after the other: what each prints, shows, and ends in."""

import ast
import contextlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import jupytext
import matplotlib as mpl
import matplotlib.pyplot as plt

HERE = Path(__file__).parent


@dataclass
class Cell:
    """A cell, and what came of it."""

    kind: str  #: "markdown" or "code"
    source: str
    printed: str = ""
    pictures: list[bytes] = field(default_factory=list[bytes])  #: PNG files of what was drawn
    html: str = ""  #: of the value that the cell ends in, if it shows itself


def scripts() -> list[Path]:
    """The pages there are."""
    return sorted(HERE.glob("[!_]*.py"))


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind ("markdown" or "code") and source of each cell of a script or a notebook."""
    return [(cell["cell_type"], cell["source"]) for cell in jupytext.read(path)["cells"] if cell["source"]]


def executed(path: Path) -> Iterator[Cell]:
    """Run a page cell by cell."""
    mpl.use("Agg")
    namespace: dict[str, Any] = {"__name__": path.stem}
    beside = [str(path.parent), str(HERE), *sys.path]  # where a notebook finds the helper in Jupyter
    for index, (kind, source) in enumerate(cells(path)):
        cell = Cell(kind, source)
        if kind == "code":
            with (
                mock.patch.object(sys, "path", beside),
                mock.patch.object(plt, "show", lambda c=cell: take(c)),
            ):
                run(cell, f"{path.name}, cell {index}", namespace)
        yield cell


def take(cell: Cell) -> None:
    """Keep what is drawn; stands for ``plt.show``."""
    for number in plt.get_fignums():
        stream = io.BytesIO()
        plt.figure(number).savefig(stream, format="png", dpi=120)
        plt.close(number)
        cell.pictures.append(stream.getvalue())


def run(cell: Cell, name: str, namespace: dict[str, Any]) -> None:
    """Run a cell of code; the value of its last expression is shown as Jupyter would show it."""
    body = ast.parse(cell.source, name).body
    last = body[-1] if body else None
    value: Any = None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if isinstance(last, ast.Expr):
            exec(compile(ast.Module(body[:-1], []), name, "exec"), namespace)
            value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
        else:
            exec(compile(cell.source, name, "exec"), namespace)
        if hasattr(value, "_repr_html_"):
            cell.html = value._repr_html_()
            cell.pictures.append(value._repr_png_())
        elif value is not None:
            print(repr(value))
    cell.printed = printed.getvalue()
