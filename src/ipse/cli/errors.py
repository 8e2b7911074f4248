"""Exception ↦ (one line, exit code)."""

import sys

from typer import TyperException

from ipse.errors import IpseError, lack, one_line

INTERRUPTED = 130


class Interrupted(Exception):  # noqa: N818 - an end, not an error
    """A run was interrupted, and what there was has been written and said."""


def explain(error: Exception) -> tuple[str, int]:
    """Return what to say of an exception, and what to exit with; one that nobody foresaw is raised again."""
    if isinstance(error, Interrupted):
        return "", INTERRUPTED
    if isinstance(error, IpseError):
        return one_line(str(error)), error.exit_code
    if isinstance(error, TyperException):
        return usage(error), 2
    line = of_the_system(error)
    if line is None:
        raise error
    return line, 1


def of_the_system(error: Exception) -> str | None:
    """Return what to say of what the machine could not give; None for anything else."""
    if isinstance(error, BrokenPipeError):
        sys.stdout = None  # so that Python does not try to flush it on its way out
        return "standard output was closed before all was written"
    said = lack(error)
    if said is None and isinstance(error, ImportError) and not str(error.name or "ipse").startswith("ipse"):
        return f"{error.name} cannot be loaded ({one_line(str(error))}): install ipse again"
    return said


def usage(error: TyperException) -> str:
    """Return what is wrong with the command line, and where help is."""
    context = getattr(error, "ctx", None)
    path = "ipse" if context is None else context.command_path
    said = one_line(error.format_message()).replace("Value error, ", "").rstrip(".")
    return f"{said}; see {path} --help"
