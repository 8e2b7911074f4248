"""A request for a job ↦ the command and the lines of Python that make the same file."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipse import tasks
from ipse.runs.job import SUFFIX


def command(
    task: str, source: str, target: str, options: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """Return the command, quoted for a POSIX shell.

    Args:
        task: name of the task.
        source: the user's name of the picture.
        target: name of the file to write.
        options: the task's own; files by the user's names.
        settings: the settings that were chosen.
    """
    first = {one.name for one in tasks.options(task) if one.argument}
    words = ["ipse", task, *(path_of(options[name]) for name in options if name in first), path_of(source)]
    for name, value in {**options, **settings}.items():
        if name not in first and value is not None:
            words += flag(name, value)
    return shlex.join([*words, "-o", path_of(target)])


def flag(name: str, value: Any) -> list[str]:
    """The words of one flag."""
    called = f"--{name.strip('_').replace('_', '-')}"
    return [called if value else f"--no-{called[2:]}"] if isinstance(value, bool) else [called, str(value)]


def python(
    task: str, source: str, target: str, options: Mapping[str, Any], settings: Mapping[str, Any]
) -> str:
    """Return the lines of Python; for the arguments see ``command``."""
    told = {name: value for name, value in {**options, **settings}.items() if value is not None}
    given = "".join(f", {name}={value!r}" for name, value in told.items())
    call = f"ipse.{tasks.python_name(task)}({source!r}{given})"
    return f"import ipse\n\nresult = {call}\nresult.save({target!r})\n"


def path_of(name: str) -> str:
    """A file's name as a word of a command, which must not look like a flag."""
    return f"./{name}" if name.startswith("-") else name


def target(name: str, suffix: str) -> str:
    """The name of the result of a picture."""
    return f"{Path(name).stem}{SUFFIX}{suffix}"
