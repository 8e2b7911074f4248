"""m of n mutants are killed: one change to a copy of the source, then the tests of what was changed.

    python -m bench.mutants --count 60 --seed 0

A mutant is a comparison turned round, + for −, × for /, "and" for "or", a "not" left out, or a number that is another.
What survives is code that may say anything: a test is missing, or the change makes no difference. Sampled evenly over
the mutants of ``FOLDERS``, by the seed.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("noise", "pilots", "stopping", "tasks")
TESTS = {  # of a folder, or of the files in it that begin so; the longest that fits
    "noise": ["test_noise.py", "test_measured_noise.py", "test_clean.py"],
    "pilots": ["test_pilots.py", "test_non_local.py"],
    "pilots/_co": ["test_pilots.py", "test_bootstrap.py"],
    "pilots/_coloured": ["test_measured_noise.py", "test_enhance.py"],
    "pilots/_stationary": ["test_measured_noise.py", "test_enhance.py"],
    "pilots/bootstrap": ["test_bootstrap.py"],
    "pilots/median": ["test_clean.py", "test_noise.py"],
    "pilots/stationary": ["test_measured_noise.py", "test_enhance.py"],
    "stopping": ["test_stopping.py", "test_tasks.py"],
    "tasks": ["test_tasks.py", "test_time.py"],
    "tasks/_camera": ["test_tasks.py", "test_measured_noise.py", "test_enhance.py"],
    "tasks/_impulses": ["test_noise.py", "test_clean.py"],
    "tasks/_splitting": ["test_restore.py"],
    "tasks/_whiten": ["test_noise.py", "test_tasks.py"],
    "tasks/restore": ["test_restore.py"],
    "tasks/enhance": ["test_enhance.py"],
    "tasks/inpaint": ["test_tasks.py", "test_holes.py"],
    "tasks/_agreeing": ["test_holes.py", "test_tiles.py", "test_giant_mask.py"],
    "tasks/_gaps": ["test_holes.py", "test_giant_mask.py"],
    "tasks/_steadied": ["test_stack.py", "test_slabs.py"],
    "tasks/flash": ["test_flash.py"],
    "tasks/invert": ["test_model_tasks.py"],
    "tasks/maximise": ["test_model_tasks.py"],
    "tasks/_annealed": ["test_model_tasks.py"],
    "tasks/_pixels": ["test_model_tasks.py"],
    "tasks/compare_priors": ["test_compare_priors.py"],
    "tasks/_paper": ["test_tasks.py", "test_figure_tasks.py"],
    "tasks/dejpeg": ["test_tasks.py", "test_jpeg.py", "test_bootstrap.py"],
}
TURNED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


@dataclass(frozen=True)
class Mutant:
    """The change with this number in a file."""

    path: Path  #: below src/ipse
    number: int


class Change(ast.NodeTransformer):
    """Makes one change, the ``number``-th that can be made; counts them all."""

    def __init__(self, number: int = -1) -> None:
        self.number, self.count, self.said = number, 0, ""

    def due(self, node: ast.AST, said: str) -> bool:
        """Whether it is this change's turn."""
        self.count += 1
        if self.count - 1 == self.number:
            self.said = f"line {getattr(node, 'lineno', 0)}: {said}"
        return self.count - 1 == self.number

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Turn a comparison round."""
        self.generic_visit(node)
        turned = TURNED.get(type(node.ops[0]))
        if turned and self.due(node, ast.unparse(node)):
            node.ops[0] = turned()  # type: ignore[call-overload]  # an operator
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Put another operation."""
        self.generic_visit(node)
        turned = TURNED.get(type(node.op))
        if (
            turned
            and not isinstance(node.left, ast.Constant | ast.JoinedStr)
            and self.due(node, ast.unparse(node))
        ):
            node.op = turned()  # type: ignore[assignment]  # an operator
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Put "or" for "and"."""
        self.generic_visit(node)
        if self.due(node, ast.unparse(node)):
            node.op = TURNED[type(node.op)]()  # type: ignore[assignment]  # an operator
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """Leave out a "not"."""
        self.generic_visit(node)
        out = isinstance(node.op, ast.Not) and self.due(node, ast.unparse(node))
        return node.operand if out else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Put another number."""
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.due(node, repr(value)):
            return node
        return ast.Constant(value + 1 if isinstance(value, int) else value * 2 + 0.1)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """A type is no code."""
        if node.value is not None:
            node.value = self.visit(node.value)
        return node


def mutants(package: Path) -> Iterator[Mutant]:
    """Every mutant there is."""
    for folder in FOLDERS:
        for path in sorted((package / folder).glob("*.py")):
            change = Change()
            change.visit(ast.parse(path.read_text(encoding="utf-8")))
            yield from (Mutant(path.relative_to(package), number) for number in range(change.count))


def tests_of(path: Path, folder: Path) -> list[str]:
    """The test files that a file of the package answers to."""
    key = path.with_suffix("").as_posix()
    patterns = next(TESTS[name] for name in sorted(TESTS, key=len, reverse=True) if key.startswith(name))
    return sorted({str(found) for pattern in patterns for found in folder.glob(pattern)})


def killed(mutant: Mutant, copy: Path, seconds: float) -> tuple[bool, str]:
    """Whether the tests fail with the change made, or do not come to an end; and the change."""
    path = copy / "src" / "ipse" / mutant.path
    whole = path.read_text(encoding="utf-8")
    change = Change(mutant.number)
    path.write_text(ast.unparse(change.visit(ast.parse(whole))), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        *tests_of(mutant.path, copy / "tests"),
    ]
    try:
        ran = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy / "src")},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        return ran.returncode != 0, change.said
    except subprocess.TimeoutExpired:
        return True, f"{change.said} (no end)"
    finally:
        path.write_text(whole, encoding="utf-8")


def main() -> None:
    """Sample, change, test, and count."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=300.0, help="for the tests of one mutant")
    parser.add_argument("--share", default="1/1", help="which part of the sample, as in 1/2")
    told = parser.parse_args()
    every = list(mutants(ROOT / "src" / "ipse"))
    chosen = random.Random(told.seed).sample(every, told.count)
    part, parts = (int(number) for number in told.share.split("/"))
    dead = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "ipse"
        shutil.copytree(
            ROOT,
            copy,
            ignore=shutil.ignore_patterns(".git", ".venv", "build", "docs", "gallery", "__pycache__"),
        )
        mine = chosen[part - 1 :: parts]
        for mutant in mine:
            start = time.monotonic()
            fell, said = killed(mutant, copy, told.seconds)
            dead += fell
            print(
                f"{'killed  ' if fell else 'SURVIVED'} {mutant.path} {said} ({time.monotonic() - start:.0f} s)",
                flush=True,
            )
    print(f"{dead} of {len(mine)} killed, of {len(every)} mutants there are")


if __name__ == "__main__":
    main()
