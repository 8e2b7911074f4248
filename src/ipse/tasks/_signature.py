"""task(picture, settings, *, …) ↦ its options, as data: name, type, default, help.

A task's signature and the fields of ``Settings`` are the one list from which every face is made: the
command's flags, the library's keywords, a page's form.
"""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from numbers import Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ipse.errors import OptionError, nearest
from ipse.settings import Settings

SIMPLE = (Path, bool, int, float, str)  # what can be typed on a line, the first that an annotation allows
REQUIRED = inspect.Parameter.empty
WORDS: dict[Any, str] = {bool: "yes or no", int: "whole number", float: "number"}


@dataclass(frozen=True)
class Option:
    """One thing that a user can tell."""

    name: str
    kind: Any  #: Path, bool, int, float, str, or a Literal; ``| None`` where nothing need be said
    default: Any  #: ``REQUIRED`` where there is none
    help: str
    argument: bool = False  #: named by its place, before the picture, instead of by a flag
    plain: bool = False  #: nothing but a number, a word of a few, or yes and no, will do

    @property
    def required(self) -> bool:
        """Whether it must be told."""
        return self.default is REQUIRED

    def checked(self, value: Any) -> Any:
        """The value as a task expects it, a whole float as an int; what is not plain is the task's own to check.

        Raises:
            OptionError: no such word, or no number.
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
        raise OptionError(f"{self.name} {value!r} is no {WORDS[kind]}: give one")


def of_task(task: Any) -> tuple[Option, ...]:
    """Return a task's own options, in the order of its signature."""
    return tuple(_keywords(task))


def of_settings() -> tuple[Option, ...]:
    """Return the options that all tasks share."""
    hints = get_type_hints(Settings, include_extras=True)
    made = [
        (f.name, hints[f.name], REQUIRED if f.default is MISSING else f.default) for f in fields(Settings)
    ]
    return tuple(_option(name, hint, default) for name, hint, default in made)


def _keywords(task: Any) -> Iterator[Option]:
    """The keyword-only parameters of a task."""
    room = vars(sys.modules[task.__module__])
    for parameter in inspect.signature(task).parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            hint = parameter.annotation
            # Only these are looked up: the rest of a signature names types that would bring PyTorch in.
            hint = eval(hint, room) if isinstance(hint, str) else hint
            yield _option(parameter.name, hint, parameter.default)


def _option(name: str, hint: Any, default: Any) -> Option:
    """Take ``Annotated[type, "help"]`` apart, or ``Annotated[type, "help", "argument"]``."""
    kind, said, *rest = get_args(hint) if get_origin(hint) is Annotated else (hint, "")
    return Option(name, simple(kind), default, said, argument="argument" in rest, plain=_is_plain(kind))


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value is a number of that kind; yes and no are none, and a whole float is an int."""
    import numpy as np  # not at the top, for help does without it

    if isinstance(value, (bool, np.bool_)) or kind is bool:
        return isinstance(value, (bool, np.bool_)) and kind is bool
    return isinstance(value, Real) and (kind is float or float(value).is_integer())


def _members(kind: Any) -> tuple[Any, ...]:
    """The types of a union; of any other, itself."""
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _is_plain(kind: Any) -> bool:
    """Whether an annotation allows numbers, words of a list and None alone."""
    members = _members(kind)
    return all(one in (int, float, bool, NoneType) or get_origin(one) is Literal for one in members)


def simple(kind: Any) -> Any:
    """Return the simplest type of a union, kept optional if it is."""
    members = _members(kind)
    found = next((member for member in members if get_origin(member) is Literal), None)
    found = found or next((one for one in SIMPLE if one in members), str)
    return found | None if NoneType in members else found
