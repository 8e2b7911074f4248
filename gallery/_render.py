"""Cells ↦ a page: each is run, and what it prints and shows stands below it.

    python gallery/_render.py pages [FILE …]     docs/gallery/NAME.md with its pictures, and an index of them
    python gallery/_render.py notebooks          build/notebooks/NAME.ipynb, to be opened in Jupyter

FILE is a script of cells or a notebook; without one it is every script of this folder.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import re
import shutil
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import jupytext
import matplotlib as mpl
import matplotlib.pyplot as plt
from latex2mathml.converter import convert
from PIL import Image

from ipse.pictures import write_bytes

HERE = Path(__file__).parent
PAGES, NOTEBOOKS = HERE.parent / "docs" / "gallery", HERE.parent / "build" / "notebooks"
HELPER = HERE / "_page.py"
LARGE = 150_000  # bytes of a PNG from which on it is kept as a JPEG
THUMB = "thumb.jpg"


@dataclass
class Shown:
    """What the cells of a page show, each as a PNG."""

    pictures: list[bytes] = field(default_factory=list[bytes])

    def take(self) -> None:
        """Keep what is drawn; stands for ``plt.show``."""
        for number in plt.get_fignums():
            stream = io.BytesIO()
            plt.figure(number).savefig(stream, format="png", dpi=120)
            plt.close(number)
            self.pictures.append(stream.getvalue())


def scripts() -> list[Path]:
    """The pages there are."""
    return sorted(HERE.glob("[!_]*.py"))


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind ("markdown" or "code") and source of each cell of a script or a notebook."""
    return [(cell["cell_type"], cell["source"]) for cell in jupytext.read(path)["cells"] if cell["source"]]


def executed(path: Path) -> Iterator[tuple[str, str, str, list[bytes]]]:
    """Run a page cell by cell: kind, source, what it printed, what it showed."""
    mpl.use("Agg")
    namespace: dict[str, Any] = {"__name__": path.stem}
    shown = Shown()
    beside = [str(path.parent), str(HERE), *sys.path]  # where a notebook finds the helper in Jupyter
    with mock.patch.object(sys, "path", beside), mock.patch.object(plt, "show", shown.take):
        for index, (kind, source) in enumerate(cells(path)):
            printed = io.StringIO()
            shown.pictures = []
            if kind == "code":
                with contextlib.redirect_stdout(printed):
                    exec(compile(source, f"{path.name}, cell {index}", "exec"), namespace)
            yield kind, source, printed.getvalue(), shown.pictures


def render(path: Path, target: Path = PAGES) -> float:
    """Run a page, and write target/NAME.md and its pictures.

    Returns:
        The seconds that it took.
    """
    start, name, text, pictures = time.perf_counter(), path.stem, list[str](), list[bytes]()
    for kind, source, printed, shown in executed(path):
        text.append(mathematics(source) if kind == "markdown" else f"```python\n{source}\n```")
        if printed.strip():
            text.append(f"```text\n{printed.rstrip()}\n```")
        for picture in shown:
            pictures.append(picture)
            text.append(f"![]({name}/{placed(len(pictures), picture)})")
    seconds = time.perf_counter() - start
    text.append(footer(name, seconds))
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / name, ignore_errors=True)
    (target / name).mkdir()
    for index, picture in enumerate(pictures, 1):
        write_bytes(target / name / placed(index, picture), stored(picture))
    if pictures:  # photographs weigh more than curves
        write_bytes(target / name / THUMB, thumbnail(max(pictures, key=len)))
    write_bytes(target / f"{name}.md", ("\n\n".join(text) + "\n").encode(), overwrite=True)
    return seconds


def mathematics(text: str) -> str:
    """LaTeX as MathML, which browsers show without a script that would have to be fetched."""

    def shown(found: re.Match[str]) -> str:
        display, inline = found.groups()
        latex = (display or inline).replace(
            r"\arg", r"\mathrm{arg}\,"
        )  # the only sign that latex2mathml lacks
        made = convert(latex, display="block" if display else "inline")
        return f"<div>{made}</div>" if display else f"<span>{made}</span>"  # a block, and no block

    return re.sub(r"\$\$(.+?)\$\$|\$([^$]+?)\$", shown, text, flags=re.DOTALL)


def footer(name: str, seconds: float) -> str:
    """How the page was made."""
    whose = "the paper's" if "IPSE_DATA" in os.environ else "scikit-image's"
    asked = os.environ.get("IPSE_BUDGET", "reduced")
    return (
        f"---\n\n*From `gallery/{name}.py` by `make gallery`, budget {asked}, {whose} pictures, {seconds:.0f} s. "
        f"`make notebooks` makes it a notebook.*"
    )


def placed(index: int, picture: bytes) -> str:
    """The file name of a page's picture."""
    return f"{index}.{'jpg' if len(picture) > LARGE else 'png'}"


def stored(picture: bytes) -> bytes:
    """A PNG, as a JPEG where it is large."""
    if len(picture) <= LARGE:
        return picture
    stream = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(stream, "JPEG", quality=88, optimize=True)
    return stream.getvalue()


def thumbnail(picture: bytes) -> bytes:
    """A small JPEG of it."""
    image, stream = Image.open(io.BytesIO(picture)).convert("RGB"), io.BytesIO()
    image.thumbnail((480, 240))
    image.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def index(target: Path = PAGES) -> None:
    """Write target/index.md, with a thumbnail of each page that was made."""
    text = [
        "# Gallery\n\nThe figures of [Deep Image Prior](https://arxiv.org/abs/1711.10925), a page each. Every one "
        "is a script of `gallery/`; what it shows was made by running it. `make notebooks` makes notebooks of them."
    ]
    for path in scripts():
        if not (target / f"{path.stem}.md").exists():
            continue
        heading, _, rest = cells(path)[0][1].partition("\n")
        said = re.split(r"\n\s*\n", rest.strip())[0].replace("\n", " ")
        title, link = heading.lstrip("# "), f"{path.stem}.md"
        text += [f"## [{title}]({link})", f"[![{title}]({path.stem}/{THUMB})]({link})", said]
    write_bytes(target / "index.md", ("\n\n".join(text) + "\n").encode(), overwrite=True)


def pages(paths: Sequence[Path], *, jobs: int) -> int:
    """Render pages, ``jobs`` at a time; the number of those that failed."""
    start, failed = time.perf_counter(), 0
    context = multiprocessing.get_context("spawn")
    share = max(1, (os.cpu_count() or 1) // jobs)
    with ProcessPoolExecutor(jobs, context, initializer=threads, initargs=(share,)) as pool:
        running = {pool.submit(render, path): path.stem for path in paths}
        for done in as_completed(running):
            try:
                print(f"{running[done]}: {done.result():.0f} s", flush=True)
            except Exception:  # whatever a page raises: the others are rendered all the same
                failed += 1
                print(f"{running[done]}: failed\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    index()
    print(
        f"{len(paths) - failed} of {len(paths)} pages in {time.perf_counter() - start:.0f} s: {PAGES / 'index.md'}"
    )
    return failed


def threads(count: int) -> None:
    """Let each page compute on its share of the cores."""
    import torch

    torch.set_num_threads(count)


def notebooks(target: Path = NOTEBOOKS) -> None:
    """Write every page as a notebook, and beside them the helper that they import."""
    target.mkdir(parents=True, exist_ok=True)
    for path in scripts():
        notebook = jupytext.read(path)
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        jupytext.write(notebook, target / f"{path.stem}.ipynb", fmt="ipynb")
    shutil.copy(HELPER, target / HELPER.name)
    print(f"{len(scripts())} notebooks: {target}")


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("pages", "notebooks"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="pages at a time")
    told = parser.parse_intermixed_args()
    if told.what == "notebooks":
        notebooks()
        return 0
    return min(1, pages(told.files or scripts(), jobs=told.jobs))


if __name__ == "__main__":
    sys.exit(main())
