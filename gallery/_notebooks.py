"""Pages ↦ notebooks, executed: what each cell printed, showed and ended in stands below it."""

import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
from _execute import Cell, executed
from nbformat.v4 import new_output

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "build" / "notebooks"
HELPER = HERE / "_page.py"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def notebook(path: Path, target: Path = NOTEBOOKS, *, blank: bool = False) -> None:
    """Write target/NAME.ipynb, and beside it the helper that it imports.

    Args:
        path: the script of the page.
        target: the folder, which is made.
        blank: leave the cells as they are, without running them.
    """
    made = jupytext.read(path)
    made.metadata["kernelspec"] = KERNEL
    if not blank:
        filled = [cell for cell in made["cells"] if cell["source"]]
        for count, (cell, ran) in enumerate(zip(filled, executed(path), strict=True), 1):
            if ran.kind == "code":
                cell["execution_count"] = count
                cell["outputs"] = list(outputs(ran, count))
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(HELPER, target / HELPER.name)
    jupytext.write(made, target / f"{path.stem}.ipynb", fmt="ipynb")


def outputs(cell: Cell, count: int) -> Iterator[Any]:
    """What stands below a cell, in the format of notebooks."""
    if cell.printed:
        yield new_output("stream", name="stdout", text=cell.printed)
    drawn = cell.pictures[:-1] if cell.html else cell.pictures
    for picture in drawn:
        yield new_output("display_data", data={"image/png": b64encode(picture).decode("ascii")})
    if cell.html:
        png = b64encode(cell.pictures[-1]).decode("ascii")
        data = {"text/html": cell.html, "image/png": png, "text/plain": "a result"}
        yield new_output("execute_result", data=data, execution_count=count)
