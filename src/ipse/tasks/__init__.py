"""Tasks: ``task(picture, settings, *, …) -> Problem``, one file each, found by the module's name.

A task analyses the picture and returns a problem to solve; it never runs a fit itself. Its keyword options and the
fields of ``Settings`` become the command's flags. A task is imported by ``find`` alone: all else is read from its
source, so that ``ipse --help`` does not have to wait for PyTorch.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ipse.errors import OptionError, nearest
from ipse.settings import Settings
from ipse.tasks import _signature
from ipse.tasks._outline import outline
from ipse.tasks._signature import Option

if TYPE_CHECKING:
    from ipse.engine.problem import Nothing, Problem
    from ipse.pictures import Picture

__all__ = [
    "Option",
    "Sees",
    "Task",
    "about",
    "beside",
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
    "source",
    "uncut",
]

Task = Callable[..., "Problem | Nothing"]
Sees = Literal["parts", "whole", "resized", "nothing", "measurement"]
HERE = Path(__file__).parent


def names() -> list[str]:
    """The names of all tasks: the public modules of this package, with dashes instead of underscores."""
    return list(_found())


@cache
def _found() -> tuple[str, ...]:
    """The names, cached, because every picture of a batch looks them up about ten times."""
    return tuple(sorted(file.stem.replace("_", "-") for file in HERE.glob("[!_]*.py")))


def python_name(name: str) -> str:
    """Convert a task's name to the name of its module and function."""
    return name.replace("-", "_")


def sees(name: str) -> Sees:
    """How a task uses its picture, from the module constant ``SEES``; the default is "parts".

    "parts": the picture can be cut into tiles. "whole": it cannot. "resized": the task resizes the picture to a size
    of its own. "nothing": the task creates a picture and needs no input. "measurement": its input is a ``Measurement``.
    """
    return _constant(name, "SEES", "parts")


def panels(name: str) -> tuple[str, ...]:
    """The names of the panels of a task's result, from the module constant ``PANELS``; empty for most tasks."""
    return _constant(name, "PANELS", ())


def beside(name: str) -> tuple[str, ...]:
    """The names of the pictures that a task estimates on the way, from the module constant ``BESIDE``."""
    return _constant(name, "BESIDE", ())


def uncut(name: str, settings: Settings) -> Settings:
    """The settings, with tiling switched off if the task does not support it.

    Raises:
        OptionError: the settings ask for tiles.
    """
    if sees(name) == "parts":
        return settings
    if settings.tile:
        raise OptionError(
            f"tile {settings.tile} cannot be used: {name} needs the whole picture at once: remove --tile"
        )
    return replace(settings, tile=0)


def look(name: str) -> Callable[..., "dict[str, Any] | Nothing"]:
    """The task's function ``look(picture, settings, **options) -> options``, which analyses the whole picture.

    Its result replaces the options of every tile, so that all tiles agree. The default returns the options unchanged.
    """
    return _function(name, "look") or _unchanged


def coarse(name: str) -> Callable[..., "tuple[Picture, dict[str, Any]] | None"]:
    """The task's function ``coarse(shrink, **options)``, which prepares a restoration of the downsampled whole picture.

    ``shrink(known)`` downsamples the picture, averaging over known pixels only, and returns it with a mask of the
    cells that contain any; the options are those returned by ``look``. The function returns the small picture and its
    options, or None if no coarse restoration is needed, which is the default. Tiles receive the result as
    ``Within.guess``.
    """
    return _function(name, "coarse") or _nothing


def laid(name: str) -> Callable[..., dict[str, Any]] | None:
    """The task's function ``laid(source, **options) -> options``, which reads options such as masks window by window.

    None if the task has no such function; then options that are files require a picture in memory.
    """
    return _function(name, "laid")


@cache
def _constant(name: str, constant: str, default: Any) -> Any:
    """A constant of the task's module, or the default."""
    return outline(source(name)).get(constant, default)


def _function(name: str, function: str) -> Callable[..., Any] | None:
    """A function of the task's module besides the task itself, or None."""
    if function not in outline(source(name)):
        return None
    return getattr(import_module(find(name).__module__), function)


def _nothing(_shrink: object, **_options: Any) -> None:
    """The default of ``coarse``: no coarse restoration."""


def _unchanged(_picture: object, _settings: object, **options: Any) -> dict[str, Any]:
    """The default of ``look``: return the options unchanged."""
    return options


def source(name: str) -> Path:
    """The file of the task with the given name.

    Raises:
        OptionError: there is no such task; the message suggests the closest name.
    """
    if name not in names():
        raise OptionError(f"task {name!r} is unknown: {nearest(name, names())}")
    return HERE / f"{python_name(name)}.py"


def find(name: str) -> Task:
    """Import the task with the given name, and PyTorch with it.

    Raises:
        OptionError: there is no such task.
    """
    return getattr(import_module(f"{__name__}.{source(name).stem}"), python_name(name))


def about(name: str) -> str:
    """A task's docstring.

    Raises:
        OptionError: there is no such task.
    """
    return outline(source(name)).docstring(python_name(name))


def options(name: str) -> tuple[Option, ...]:
    """A task's own options, in the order of its signature.

    Raises:
        OptionError: there is no such task.
    """
    return tuple(_signature.of_task(outline(source(name)), python_name(name)))


def shared_options() -> tuple[Option, ...]:
    """The options that all tasks share: the fields of ``Settings``."""
    return _signature.of_settings()
