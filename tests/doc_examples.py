"""The fenced Python of a page, as a test runs it: file by file, or one block after another at a tiny budget."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
FENCE = re.compile(r"^(<!-- not run[^\n]*-->\n)?```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# src/(ipse/\S+\.py)\n")
REDUCED = (
    (r"steps=\d\d\d+", "steps=4"),
    (r"patience=\d\d+", "patience=2"),
    (r"\b256\b", "64"),
    (r"\b128\b", "32"),
)


@dataclass(frozen=True)
class Page:
    """What a page would have its reader run."""

    files: dict[str, str]  #: path in the source tree → content
    blocks: list[str]
    left_out: int


def page(name: str) -> Page:
    """Read a page's examples."""
    found = FENCE.findall((DOCS / name).read_text(encoding="utf-8"))
    run = [text for not_run, text in found if not not_run]
    files = {match[1]: text for text in run if (match := FILE.match(text))}
    return Page(files, [text for text in run if not FILE.match(text)], len(found) - len(run))


def reduced(text: str) -> str:
    """The same code, for smaller pictures and fewer steps."""
    for long, short in REDUCED:
        text = re.sub(long, short, text)
    return text
