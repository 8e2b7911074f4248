"""Read ``#:`` comments of fields as their documentation: a Griffe extension for the docs site."""

import ast
from pathlib import Path

from griffe import Attribute, Docstring, Extension, ObjectNode

MARK = "#: "


class FieldComments(Extension):
    """Gives an attribute without a docstring the ``#:`` comment of its lines, and of those right below."""

    def on_attribute_instance(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, node: ast.AST | ObjectNode, attr: Attribute, **_: object
    ) -> None:
        """Called by Griffe for every attribute that it finds."""
        if attr.docstring is None and isinstance(node, ast.AnnAssign) and (said := comment(node, attr)):
            attr.docstring = Docstring(said, parent=attr)


def comment(node: ast.AnnAssign, attr: Attribute) -> str:
    """What the comment says, without its mark."""
    lines = attr.lines_collection[attr.filepath] if isinstance(attr.filepath, Path) else []
    own = lines[node.lineno - 1 : node.end_lineno]
    for line in lines[node.end_lineno or 0 :]:
        if not line.strip().startswith(MARK):
            break
        own.append(line)
    said = [line.split(MARK, 1)[1].strip() for line in own if MARK in line]
    return " ".join(said)
