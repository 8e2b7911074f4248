"""Rebuild a command line from its parsed arguments, to run it elsewhere."""

import inspect
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_args

from typer.models import ArgumentInfo, OptionInfo


def command_line(
    task: str, parameters: Iterable[inspect.Parameter], given: Mapping[str, Any], *, without: Collection[str]
) -> list[str]:
    """Return a task's command line with the arguments that differ from the defaults.

    Args:
        task: the command.
        parameters: its signature.
        given: what it was told, by name.
        without: what is left out.
    """
    flags: list[str] = []
    places: list[str] = []
    for one in parameters:
        value = given[one.name]
        info = next(part for part in get_args(one.annotation) if isinstance(part, ArgumentInfo | OptionInfo))
        if isinstance(info, ArgumentInfo):
            places += map(str, value if isinstance(value, list) else [value])
        elif value != one.default and one.name not in without:
            flags += [flag(one.name)] if value is True else [flag(one.name), str(value)]
    return [sys.executable, "-m", "ipse", task, *flags, "--", *places]


def flag(name: str) -> str:
    """Return the long flag of a parameter."""
    return f"--{name.rstrip('_').replace('_', '-')}"
