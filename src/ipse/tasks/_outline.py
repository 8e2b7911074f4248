"""A module's docstrings, constants and signatures, read from its source without importing it.

A task imports PyTorch at the top of its file, which takes seconds. Help, the page's form and the checks of a command
line do not wait for that: they parse the file, and evaluate only the statements that bind the names they need.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import ipse

ROOT = Path(ipse.__file__).parent


class Outline(Mapping[str, Any]):
    """The names of a module, each evaluated when it is looked up.

    Args:
        file: the module's source.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        statements = ast.parse(file.read_text(encoding="utf-8")).body
        self.statements = {name: one for one in statements for name in _bound(one)}

    def __contains__(self, name: object) -> bool:
        return name in self.statements

    def __iter__(self) -> Iterator[str]:
        return iter(self.statements)

    def __len__(self) -> int:
        return len(self.statements)

    def __getitem__(self, name: str) -> Any:
        match self.statements[name]:
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                return self.value(value)
            case ast.ImportFrom(module=str(module), names=names):
                return _imported(module, next(one.name for one in names if (one.asname or one.name) == name))
            case _:
                raise KeyError(name)

    def value(self, expression: ast.expr) -> Any:
        """Evaluate an expression with the module's names."""
        return eval(compile(ast.Expression(expression), str(self.file), "eval"), {}, self)

    def function(self, name: str) -> ast.FunctionDef:
        """The definition of a function at the top level."""
        found = self.statements[name]
        assert isinstance(found, ast.FunctionDef)
        return found

    def docstring(self, name: str) -> str:
        """The docstring of a function at the top level."""
        return ast.get_docstring(self.function(name)) or ""


@cache
def outline(file: Path) -> Outline:
    """The outline of a file, parsed once."""
    return Outline(file)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement binds."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            yield from (one.id for one in targets if isinstance(one, ast.Name))
        case ast.ImportFrom(names=names):
            yield from (one.asname or one.name for one in names)
        case _:
            pass


def _imported(module: str, name: str) -> Any:
    """A name of a module. Modules of this package are not imported if the name is one of their constants."""
    root, *parts = module.split(".")
    if root == ipse.__name__:
        place = ROOT.joinpath(*parts)
        found = outline(place / "__init__.py" if place.is_dir() else place.with_suffix(".py"))
        if name in found:
            return found[name]
    return getattr(import_module(module), name)
