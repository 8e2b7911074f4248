"""Tasks: ``task(picture, settings, *, …) -> Problem``, one file each, found by its module's exact name.

A task looks at the picture, says what it found, and returns data; it never runs a fit. Its keyword options, with the
fields of ``Settings``, are the flags of the command. Modules here import torch inside their functions: flags and help
must not wait for it.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipse.errors import OptionError, nearest

if TYPE_CHECKING:
    from ipse.problem import Nothing, Problem

Task = Callable[..., "Problem | Nothing"]


def names() -> list[str]:
    """The tasks there are: the modules of this folder that do not start with an underscore."""
    return sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))


def look(name: str) -> Callable[..., "dict[str, Any] | Nothing"]:
    """What the task of that name must see the whole picture for: ``look(picture, settings, **options) -> options``.

    A task without a function ``look`` of its own needs nothing of the kind.
    """
    return getattr(sys.modules[find(name).__module__], "look", _as_told)


def _as_told(_picture: object, _settings: object, **options: Any) -> dict[str, Any]:
    """Leave the options as they are."""
    return options


def find(name: str) -> Task:
    """The task of that name.

    Raises:
        OptionError: there is none; the message names the nearest.
    """
    if name not in names():
        raise OptionError(f"task {name!r} is unknown: {nearest(name, names())}")
    return getattr(import_module(f"ipse.tasks.{name}"), name)
