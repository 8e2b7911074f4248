"""What the docs site makes at build time, so that nobody writes it by hand: a hook of MkDocs.

    <!-- flags TASK -->     the flags of a task, from its signature; of ``settings``, those that all tasks share
    <!-- figures WORK -->   what was measured, from bench/results

A page reads well without them, on a code host too.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # for bench, which is not installed

import ipse  # noqa: E402
from bench.rows import read  # noqa: E402
from bench.summary import lines  # noqa: E402
from bench.table import figure, markdown  # noqa: E402
from ipse import tasks  # noqa: E402

AT_THE_ROOT = {"Contributing": "CONTRIBUTING.md", "Changelog": "CHANGELOG.md"}
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)([^)]+)\)")
MADE = re.compile(r"<!-- (flags|figures) ([\w,-]+) -->")
RESULTS = ROOT / "bench" / "results" / "two-cores.csv"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Say which version the site describes; keep the pages that exist in the navigation, and list the rest last."""
    config.site_name = f"{config.site_name} {ipse.__version__}"
    docs = Path(config.docs_dir)
    nav = list(present(config.nav or [], docs))
    rest = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")} - set(leaves(nav))
    root = [{title: name.lower()} for title, name in AT_THE_ROOT.items()]
    config.nav = [*nav, *([{"More": sorted(rest)}] if rest else []), *root]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put the pages at the root of the repository on the site as well."""
    for name in AT_THE_ROOT.values():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name.lower(), content=LINK.sub(moved, text)))
    return files


def moved(link: re.Match[str]) -> str:
    """A link from the root of the repository as one from docs/; of what is not on the site its name alone."""
    text, target = link.groups()
    if target in AT_THE_ROOT.values():
        return f"[{text}]({target.lower()})"
    return f"[{text}]({target.removeprefix('docs/')})" if target.startswith("docs/") else text


def on_page_markdown(text: str, **_: Any) -> str:
    """Put in what is made."""
    return MADE.sub(lambda found: {"flags": flags, "figures": figures}[found[1]](found[2]), text)


def leaves(nav: Any) -> Iterable[str]:
    """The pages of a navigation."""
    if isinstance(nav, str):
        yield nav
        return
    for inside in nav.values() if isinstance(nav, dict) else nav:
        yield from leaves(inside)


def present(nav: Iterable[Any], docs: Path) -> Iterable[Any]:
    """The entries whose pages exist."""
    for entry in nav:
        if isinstance(entry, str):
            yield from [entry] if (docs / entry).is_file() else []
            continue
        ((title, inside),) = entry.items()
        if isinstance(inside, str) and (docs / inside).is_dir():
            inside = pages(docs / inside, docs)
        elif isinstance(inside, list):
            inside = list(present(inside, docs))
        elif not (docs / inside).is_file():
            continue
        yield from [{title: inside}] if inside else []


def pages(folder: Path, docs: Path) -> Sequence[str]:
    """A folder's pages, the one about the folder first."""
    first = ("README.md", "index.md")
    found = sorted(folder.glob("*.md"), key=lambda page: (page.name not in first, page.name))
    return [page.relative_to(docs).as_posix() for page in found]


def flags(task: str) -> str:
    """The flags as a table."""
    own = tasks.shared_options() if task == "settings" else tasks.options(task)
    rows = [[flag(one), value(one.kind), default(one), one.help] for one in own]
    return markdown(["flag", "value", "default", "meaning"], rows, left=4)


def flag(one: tasks.Option) -> str:
    """How it is written on a line."""
    name = one.name.strip("_").replace("_", "-")
    return f"`{name.upper()}`" if one.argument else f"`--{name}`"


def value(kind: Any) -> str:
    """What may stand behind it."""
    inner = [one for one in get_args(kind) if one is not NoneType] if NoneType in get_args(kind) else [kind]
    choices = get_args(inner[0])
    return ", ".join(f"`{choice}`" for choice in choices) if choices else names(inner[0])


def names(kind: type) -> str:
    """A type in a user's words."""
    return {"int": "whole number", "float": "number", "str": "text", "Path": "file"}[kind.__name__]


def default(one: tasks.Option) -> str:
    """The value that is used if none is given."""
    return "required" if one.required else "" if one.default is None else f"`{one.default}`"


def figures(works: str) -> str:
    """What was measured of these works, a line a method; only of methods that saw all pictures of a work."""
    rows = read(RESULTS).values()
    cells: list[list[str]] = []
    for work in works.split(","):
        found = lines(rows, work)
        most = max(line.pictures for line in found)
        for line in found:
            numbers = [figure(line.psnr), figure(line.seconds, ".1f")]
            cells += [[work, line.method, str(line.pictures), *numbers]] if line.pictures == most else []
    return markdown(["work", "method", "pictures", "PSNR, dB", "seconds"], cells, left=2)
