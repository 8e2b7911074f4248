"""Cells ↦ a page: each is run, and what it prints and shows stands below it.

    python gallery/_render.py pages [FILE …]     docs/gallery/NAME.md with its pictures, and an index of them
    python gallery/_render.py notebooks [FILE …] build/notebooks/NAME.ipynb, executed; --blank leaves the cells empty

FILE is a script of cells or a notebook; without one it is every script of this folder.
"""

import argparse
import io
import multiprocessing
import os
import re
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

from _execute import cells, executed, scripts
from _notebooks import NOTEBOOKS, notebook
from latex2mathml.converter import convert
from PIL import Image

from ipse.pictures import write_bytes

HERE = Path(__file__).parent
PAGES = HERE.parent / "docs" / "gallery"
LARGE = 150_000  # bytes of a PNG from which on it is kept as a JPEG
THUMB = "thumb.jpg"


def render(path: Path, target: Path = PAGES) -> float:
    """Run a page, and write target/NAME.md and its pictures.

    Returns:
        The seconds that it took.
    """
    start, name, text, pictures = time.perf_counter(), path.stem, list[str](), list[bytes]()
    for cell in executed(path):
        text.append(mathematics(cell.source) if cell.kind == "markdown" else f"```python\n{cell.source}\n```")
        if cell.printed.strip():
            text.append(f"```text\n{cell.printed.rstrip()}\n```")
        for picture in cell.pictures:
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


def made(paths: Sequence[Path], make: Callable[[Path], Any], *, jobs: int) -> int:
    """Make a page or a notebook of each script, ``jobs`` at a time; the number of those that failed."""
    failed, context = 0, multiprocessing.get_context("spawn")
    share = max(1, (os.cpu_count() or 1) // jobs)
    with ProcessPoolExecutor(jobs, context, initializer=threads, initargs=(share,)) as pool:
        begun = time.perf_counter()
        running = {pool.submit(make, path): path.stem for path in paths}
        for done in as_completed(running):
            try:
                done.result()
                print(f"{running[done]}: done after {time.perf_counter() - begun:.0f} s", flush=True)
            except Exception:  # whatever a page raises: the others are made all the same
                failed += 1
                print(f"{running[done]}: failed\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    return failed


def threads(count: int) -> None:
    """Let each page compute on its share of the cores."""
    import torch

    torch.set_num_threads(count)


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("pages", "notebooks"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="pages at a time")
    parser.add_argument("--blank", action="store_true", help="notebooks whose cells have not been run")
    told = parser.parse_intermixed_args()
    chosen, pages = told.files or scripts(), told.what == "pages"
    start, jobs = time.perf_counter(), max(1, told.jobs)
    failed = made(chosen, render if pages else partial(notebook, blank=told.blank), jobs=jobs)
    if pages:
        index()
    seconds, place = time.perf_counter() - start, PAGES / "index.md" if pages else NOTEBOOKS
    print(f"{len(chosen) - failed} of {len(chosen)} {told.what} in {seconds:.0f} s: {place}")
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main())
