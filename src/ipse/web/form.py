"""Options for the page's form, and validation of requests, from the signatures of tasks.

The options are those of the command's flags, see ``ipse.tasks._signature``.
"""

from collections.abc import Mapping
from math import inf, isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from ipse import tasks
from ipse.errors import OptionError, nearest
from ipse.settings import Settings
from ipse.tasks import Option

LONGEST = 80  # maximum length of a quoted value in a message
EITHER = {"mask", "find"}  # options of which a task needs one, if it has both
HUGE = 10**300  # larger whole numbers cannot be converted to float


def form() -> list[dict[str, Any]]:
    """Return the tasks that restore a picture, each with its own options and the shared ones.

    ``piece`` says whether settings can be tried on a piece of the picture first.
    """
    return [
        {
            "name": name,
            "help": tasks.about(name).partition("\n")[0].replace("`", ""),
            "piece": tasks.sees(name) == "parts",
            "options": [described(one) for one in tasks.options(name) if not one.local],
            "settings": [described(one) for one in tasks.shared_options()],
        }
        for name in tasks.names()
        if tasks.sees(name) != "nothing"
    ]


def described(one: Option) -> dict[str, Any]:
    """Return an option as JSON, with the type of its form field and its default."""
    kind, optional = plain_kind(one.kind)
    choices = list(get_args(kind)) if get_origin(kind) is Literal else None
    name = "choice" if choices else "file" if kind is Path else kind.__name__
    return {
        "name": one.name,
        "kind": name,
        "choices": choices,
        "required": one.required,
        "optional": optional,
        "default": None if one.required else one.default,
        "help": one.help,
    }


def plain_kind(kind: Any) -> tuple[Any, bool]:
    """Return a type without None, and whether it included None."""
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    members = [one for one in get_args(kind) if one is not NoneType]
    return members[0], len(members) < len(get_args(kind))


def check_task(name: str, *, piece: bool) -> None:
    """Reject a task that needs no picture, or a trial with a task that needs the whole picture.

    Raises:
        OptionError: says which it is.
    """
    if tasks.sees(name) == "nothing":
        raise OptionError(
            f"task {name!r} creates a picture rather than restoring one: use the command ipse {name}"
        )
    if piece and tasks.sees(name) != "parts":
        raise OptionError(f"{name} needs the whole picture: remove the region")


def told_options(task: str, given: Mapping[str, Any], *, painted: bool = True) -> dict[str, Any]:
    """Return the requested options of a task, validated.

    Args:
        task: the task.
        given: by name; a file is {"picture": id}.
        painted: whether the mask, where it or what to find is needed, must be there.

    Raises:
        OptionError: an unknown task or option, a value of another kind, or one that is missing.
    """
    known = {one.name: one for one in tasks.options(task) if not one.local}
    told = _checked(given, known)
    for one in known.values():
        if one.required and told.get(one.name) is None:
            raise OptionError(f"{task} needs {one.name}: {one.help}")
    if painted and known.keys() >= EITHER and all(told.get(name) is None for name in EITHER):
        raise OptionError(f"{task} needs mask, or find: {known['find'].help}")
    return told


def told_settings(given: Mapping[str, Any]) -> Settings:
    """Return the requested settings.

    Raises:
        OptionError: an unknown setting, or a value that it cannot have.
    """
    return Settings(**_checked(given, {one.name: one for one in tasks.shared_options()}))


def _checked(given: Mapping[str, Any], known: Mapping[str, Option]) -> dict[str, Any]:
    for name in given.keys() - known.keys():
        raise OptionError(f"option {cut(name)} is unknown: {nearest(name[:LONGEST], known)}")
    return {name: _value(known[name], value) for name, value in given.items()}


def cut(value: Any) -> str:
    """A value for a message, shortened to fit on a line."""
    said = ascii(value)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def _value(one: Option, value: Any) -> Any:
    """Validate one value by the option's type."""
    kind, optional = plain_kind(one.kind)
    if value is None and optional:
        return None
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise OptionError(
                f"{one.name} {cut(value)} is unknown: choose one of {', '.join(map(str, get_args(kind)))}"
            )
        return value
    if kind is Path:
        if not isinstance(value, dict) or not isinstance(value.get("picture"), str) or len(value) != 1:  # pyright: ignore[reportUnknownMemberType]
            raise OptionError(f'{one.name} {cut(value)} is not a file: upload one and give {{"picture": id}}')
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < HUGE else inf
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise OptionError(f"{one.name} {cut(value)} is not of type {kind.__name__}: {one.help}")
    if isinstance(value, float) and not isfinite(value):
        raise OptionError(f"{one.name} {value} is not a number: {one.help}")
    if isinstance(value, str) and not value.isprintable():
        raise OptionError(f"{one.name} {cut(value)} contains characters that are not text: {one.help}")
    return value
