"""Draw the map of the house: the layers of the import contract, and how many imports lead from each package to which.

    python scripts/house_map.py [FILE]      by default docs/images/house.svg

Packages stand from top to bottom as in pyproject.toml. The number in row A and column B counts the imports from A to B.
Imports go one way, so every number lies to the right of the diagonal.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "docs" / "images" / "house.svg"
ABOUT = {
    "cli": "the command",
    "batch": "many pictures; Dask, SLURM",
    "web": "the page and its server",
    "api": "the library's functions",
    "result": "what the functions return",
    "runs": "file → file, with a receipt",
    "images": "arrays, PIL images, tensors",
    "streams": "picture → result, as events",
    "tasks": "picture → problem, one file each",
    "engine": "the equation: A, f, z, E, R, fit",
    "pilots": "classical estimates",
    "models": "trained models to look into",
    "noise": "what kind of noise, how strong",
    "pictures": "files ↔ pixels and metadata",
    "devices": "devices, threads, memory",
    "settings": "options that all tasks share",
    "errors": "the tree of exceptions",
}
ROW, COLUMN, LEFT, TOP = 30, 44, 330, 78  # pixels
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #222 }
  .name { font-weight: 600 } .about { fill: #666 } .number { text-anchor: middle }
  .row { fill: #f4efe9 } .cell { fill: #a8672a } .self { fill: #d8d0c6 } .line { stroke: #b9aa99 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .about { fill: #aaa } .row { fill: #2a2622 } .self { fill: #4a443d } .line { stroke: #6a5f53 }
  }"""


def layers(pyproject: Path = ROOT / "pyproject.toml") -> list[list[str]]:
    """The layers of the contract "Imports go one way", from the top, each with its packages."""
    contracts = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (found,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip().removeprefix("ipse.") for name in layer.split("|")] for layer in found]


def counted(packages: Sequence[str]) -> dict[tuple[str, str], int]:
    """How many imports lead from a package to another, those for type checking left out."""
    graph = grimp.build_graph("ipse", exclude_type_checking_imports=True)
    numbers: dict[tuple[str, str], int] = {}
    for module in graph.modules:
        for other in graph.find_modules_directly_imported_by(module):
            pair = (package(module), package(other))
            if pair[0] != pair[1] and set(pair) <= set(packages):
                numbers[pair] = numbers.get(pair, 0) + 1
    return numbers


def package(module: str) -> str:
    """The part of the house that a module is in: ``ipse.engine.fit`` is in ``engine``."""
    return module.split(".")[1] if "." in module else module


def drawn(floors: Sequence[Sequence[str]], numbers: Mapping[tuple[str, str], int]) -> str:
    """The map as an SVG."""
    names = [name for floor in floors for name in floor]
    width, height = LEFT + COLUMN * len(names) + 12, TOP + ROW * len(names) + 12
    text = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>Imports between the packages of ipse</title>",
        f"<style>{STYLE}\n</style>",
    ]
    most = max(numbers.values(), default=1)
    for y, name in enumerate(names):
        text += row(y, name, width)
        text += [cell(x, y, numbers.get((name, other), 0), most) for x, other in enumerate(names) if x != y]
    below = 0
    for floor in floors[:-1]:  # a line under each layer
        below += len(floor)
        at = TOP + ROW * below
        text.append(f'<line class="line" x1="8" x2="{width - 8}" y1="{at}" y2="{at}"/>')
    return "\n".join([*(part for part in text if part), "</svg>", ""])


def row(index: int, name: str, width: int) -> list[str]:
    """A package's name, what it holds, and the head of its column."""
    y, x = TOP + ROW * index, LEFT + COLUMN * index
    return [
        f'<rect class="row" x="8" y="{y + 2}" width="{width - 16}" height="{ROW - 4}" rx="4"/>',
        f'<rect class="self" x="{x + 2}" y="{y + 2}" width="{COLUMN - 4}" height="{ROW - 4}" rx="4"/>',
        f'<text class="name" x="18" y="{y + 20}">{name}</text>',
        f'<text class="about" x="96" y="{y + 20}">{escape(ABOUT.get(name, ""))}</text>',
        f'<text transform="translate({x + 20} {TOP - 8}) rotate(-45)">{name}</text>',
    ]


def cell(x: int, y: int, number: int, most: int) -> str:
    """A number of imports, the darker the more."""
    if not number:
        return ""
    left, top, share = LEFT + COLUMN * x, TOP + ROW * y, 0.15 + 0.6 * (number / most) ** 0.5
    return (
        f'<rect class="cell" x="{left + 2}" y="{top + 2}" width="{COLUMN - 4}" height="{ROW - 4}" rx="4" '
        f'opacity="{share:.2f}"/><text class="number" x="{left + COLUMN // 2}" y="{top + 20}">{number}</text>'
    )


def main() -> int:
    """Write the map."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    floors = layers()
    target.write_text(drawn(floors, counted([name for floor in floors for name in floor])), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
