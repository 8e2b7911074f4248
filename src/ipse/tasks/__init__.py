"""Tasks: ``task(picture, settings, *, …) -> Problem``, one file each, found by its module's exact name.

A task looks at the picture, says what it found, and returns data; it never runs a fit. Its keyword options, with the
fields of ``Settings``, are the flags of the command. Modules here import torch inside their functions: flags and help
must not wait for it.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ipse.errors import OptionError, nearest
from ipse.settings import Settings
from ipse.tasks import _signature
from ipse.tasks._signature import Option

if TYPE_CHECKING:
    from ipse.engine.problem import Nothing, Problem
    from ipse.pictures import Picture

__all__ = [
    "Option",
    "Sees",
    "Task",
    "coarse",
    "find",
    "laid",
    "look",
    "names",
    "options",
    "panels",
    "python_name",
    "sees",
    "shared_options",
    "uncut",
]

Task = Callable[..., "Problem | Nothing"]
Sees = Literal["parts", "whole", "resized", "nothing"]


def names() -> list[str]:
    """The tasks there are: the modules of this folder that do not start with an underscore, words joined by a dash."""
    return list(_found())


@cache
def _found() -> tuple[str, ...]:
    """Looked up once: every picture of a batch asks some ten times."""
    return tuple(sorted(file.stem.replace("_", "-") for file in Path(__file__).parent.glob("[!_]*.py")))


def python_name(name: str) -> str:
    """A task's name as that of its module and its function."""
    return name.replace("-", "_")


def sees(name: str) -> Sees:
    """What a task sees of its picture, its module's ``SEES``: "parts" unless it says otherwise.

    "parts": it can be cut into tiles. "whole": it cannot. "resized": it fits a picture of another size, whatever that
    of its own. "nothing": it draws a picture and needs none.
    """
    return _of_module(name, "SEES", "parts")


def panels(name: str) -> tuple[str, ...]:
    """The names of the pictures that a task's result shows side by side, its module's ``PANELS``; mostly none."""
    return _of_module(name, "PANELS", ())


def uncut(name: str, settings: Settings) -> Settings:
    """The settings, without tiles where the task cannot be cut into them.

    Raises:
        OptionError: there were to be tiles all the same.
    """
    if sees(name) == "parts":
        return settings
    if settings.tile:
        raise OptionError(
            f"tile {settings.tile} cannot be used: {name} sees the picture whole: leave --tile out"
        )
    return replace(settings, tile=0)


def look(name: str) -> Callable[..., "dict[str, Any] | Nothing"]:
    """What the task of that name must see the whole picture for: ``look(picture, settings, **options) -> options``.

    A task without a function ``look`` of its own needs nothing of the kind.
    """
    return _of_module(name, "look", _as_told)


def coarse(name: str) -> Callable[..., "tuple[Picture, dict[str, Any]] | None"]:
    """What the task of that name must first restore of the whole made small: ``coarse(shrink, **options)``.

    ``shrink(known)`` makes the picture small by what is known of it, and says where that is anything; the options are
    those of ``look``. What comes back is the small picture and its options, or None, as of a task without a function
    ``coarse`` of its own. The tiles find the result in ``Within.guess``.
    """
    return _of_module(name, "coarse", _nothing)


def laid(name: str) -> Callable[..., dict[str, Any]] | None:
    """How the task of that name settles what lies over a picture in windows: ``laid(source, **options) -> options``.

    None of a task without a function ``laid`` of its own: with files among its options it sees pictures in memory.
    """
    return _of_module(name, "laid", None)


def _of_module(name: str, attribute: str, default: Any) -> Any:
    """What the module of that task says besides the task itself."""
    return getattr(sys.modules[find(name).__module__], attribute, default)


def _nothing(_shrink: object, **_options: Any) -> None:
    """Tiles agree without."""


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
    return getattr(import_module(f"ipse.tasks.{python_name(name)}"), python_name(name))


def options(name: str) -> tuple[Option, ...]:
    """A task's own options, in the order of its signature.

    Raises:
        OptionError: there is no such task.
    """
    return _signature.of_task(find(name))


def shared_options() -> tuple[Option, ...]:
    """The options that all tasks share: the fields of ``Settings``."""
    return _signature.of_settings()
