"""MODULE:NAME ↦ the object of that name: code of the user's own, from an installed module or from the current folder.

It runs with all rights of the user. So options that hold such names are marked "local" in their task's signature, and
a page does not take them.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import reduce
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ipse.errors import OptionError, cause

FORM = "give MODULE:NAME, of a module that is installed or in the current folder"


def located(name: str) -> Path:
    """The file of the module in MODULE:NAME, which is not run; packages around it are.

    Raises:
        OptionError: there is none.
    """
    module, colon, attribute = name.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if not colon or not all(part.isidentifier() for part in parts):
        raise OptionError(f"operator {name!r} is no name of an object: {FORM}")
    with _here(), _in_one_line(name):
        spec = find_spec(module)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise OptionError(f"operator {name!r}: there is no module {module}: {FORM}")
    return Path(spec.origin).absolute()


def imported(name: str) -> Any:
    """The object.

    Raises:
        OptionError: it cannot be imported; the message says why.
    """
    located(name)
    module, _, attribute = name.partition(":")
    with _here(), _in_one_line(name):
        return reduce(getattr, attribute.split("."), import_module(module))


@contextmanager
def _here() -> Generator[None]:
    """Look for modules in the current folder, too, as ``python -m`` does."""
    place = str(Path.cwd())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


@contextmanager
def _in_one_line(name: str) -> Generator[None]:
    """Turn whatever a module raises into an error of one line."""
    try:
        yield
    except Exception as error:  # foreign code may raise anything
        raise OptionError(f"operator {name!r} cannot be imported ({cause(error)}): {FORM}") from error
