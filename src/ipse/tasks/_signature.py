"""Options as data (name, type, default and help), read from a task's signature and from ``Settings``.

The command's flags, the library's keyword arguments and the web form are all generated from these options.
"""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from numbers import Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ipse.errors import OptionError, nearest
from ipse.settings import Settings
from ipse.tasks._outline import Outline

SIMPLE = (
    Path,
    bool,
    int,
    float,
    str,
)  # types for the command line; the first one that an annotation allows is used
REQUIRED = inspect.Parameter.empty
WORDS: dict[Any, str] = {bool: "yes-or-no value", int: "whole number", float: "number"}


@dataclass(frozen=True)
class Option:
    """One option of a task or of the settings."""

    name: str
    kind: Any  #: Path, bool, int, float, str, or a Literal; ``| None`` if it is optional
    default: Any  #: ``REQUIRED`` if there is no default
    help: str
    argument: bool = False  #: a positional argument before the picture instead of a flag
    plain: bool = False  #: accepts only numbers, words of a list, or booleans
    local: bool = False  #: for the command line and the library only: a page must not take it
    code: bool = False  #: local, since it names code that is run

    @property
    def required(self) -> bool:
        """Whether the option has no default."""
        return self.default is REQUIRED

    def checked(self, value: Any) -> Any:
        """The value as the task expects it; an integral float becomes an int. Only plain options are checked here.

        Raises:
            OptionError: the value is not one of the words, or not a number.
        """
        kinds = _members(self.kind)
        if not self.plain or (value is None and NoneType in kinds):
            return value
        kind: Any = next(kind for kind in kinds if kind is not NoneType)
        if get_origin(kind) is Literal:
            words = get_args(kind)
            if value in list(words):
                return value
            raise OptionError(f"{self.name} {value!r} is unknown: {nearest(str(value), words)}")
        if _fits(value, kind):
            return kind(value)
        raise OptionError(f"{self.name} {value!r} is not a {WORDS[kind]}: give one")


def of_task(outline: Outline, name: str) -> Iterator[Option]:
    """The keyword-only parameters of a task, in the order of its signature."""
    arguments = outline.function(name).args
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        assert one.annotation is not None
        value = REQUIRED if default is None else outline.value(default)
        yield _option(one.arg, outline.value(one.annotation), value)


def of_settings() -> tuple[Option, ...]:
    """Return the options that all tasks share, the fields of ``Settings``."""
    hints = get_type_hints(Settings, include_extras=True)
    made = [
        (f.name, hints[f.name], REQUIRED if f.default is MISSING else f.default) for f in fields(Settings)
    ]
    return tuple(_option(name, hint, default) for name, hint, default in made)


def _option(name: str, hint: Any, default: Any) -> Option:
    """Make an option from ``Annotated[type, "help"]``, with more after it.

    That is "argument", "local", "code", or a function that returns the words of a choice.
    """
    kind, said, *rest = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
    for words in (one for one in rest if callable(one)):
        kind = Union[Literal[words()], *(one for one in _members(kind) if one is NoneType)]
    return Option(
        name, simple(kind), default, said, argument="argument" in rest, plain=_is_plain(kind),
        local=not {"local", "code"}.isdisjoint(rest), code="code" in rest,
    )  # fmt: skip


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is of the given kind. Booleans are not numbers, and an integral float counts as an int."""
    import numpy as np  # imported here because --help does not need it

    if isinstance(value, (bool, np.bool_)) or kind is bool:
        return isinstance(value, (bool, np.bool_)) and kind is bool
    return isinstance(value, Real) and (kind is float or float(value).is_integer())


def _members(kind: Any) -> tuple[Any, ...]:
    """The members of a union; for any other type, the type itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_plain(kind: Any) -> bool:
    """Whether an annotation allows only numbers, booleans, literals and None."""
    members = _members(kind)
    return all(one in (int, float, bool, NoneType) or get_origin(one) is Literal for one in members)


def simple(kind: Any) -> Any:
    """Reduce a union to its simplest type; an optional type stays optional."""
    members = _members(kind)
    found = next((member for member in members if get_origin(member) is Literal), None)
    found = found or next((one for one in SIMPLE if one in members), str)
    return found | None if NoneType in members else found
