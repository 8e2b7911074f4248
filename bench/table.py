"""Tables in Markdown, aligned: what is printed can stand in a page as it is."""

from collections.abc import Sequence
from math import isnan
from unicodedata import combining


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table whose first ``left`` columns are text, and whose others are figures, aligned to the right."""
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(3, *(length(line[column]) for line in lines)) for column in range(len(header))]
    rule = ["-" * (width - (i >= left)) + ":" * (i >= left) for i, width in enumerate(widths)]
    return "\n".join(
        "| " + " | ".join(padded(cell, widths[i], left=i < left) for i, cell in enumerate(line)) + " |"
        for line in [lines[0], rule, *lines[1:]]
    )


def length(text: str) -> int:
    """Characters as they are seen."""
    return sum(not combining(letter) for letter in text)


def padded(text: str, width: int, *, left: bool) -> str:
    """The text, filled with spaces."""
    space = " " * (width - length(text))
    return text + space if left else space + text


def figure(value: float | None, form: str = ".2f") -> str:
    """A number as it is shown; a dash where there is none."""
    return "–" if value is None or isnan(value) else format(value, form)
