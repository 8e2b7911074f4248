"""Exception ↦ (one line, exit code)."""

import signal

from typer import TyperException

from ipse.errors import IpseError, amiss, lack, one_line

INTERRUPTED = 128 + signal.SIGINT
EARLY = "interrupted before the first estimate was ready; nothing was written"


class Interrupted(Exception):  # noqa: N818 - not an error
    """A run was interrupted; contains the signal's number, and a message that has not been printed yet."""

    def __init__(self, number: int, said: str = "") -> None:
        super().__init__(said)
        self.number = number


def explain(error: BaseException) -> tuple[str, int]:
    """Return the message and the exit code for an exception; unexpected ones are raised again."""
    if isinstance(error, KeyboardInterrupt):
        return EARLY, INTERRUPTED
    if isinstance(error, Interrupted):
        return str(error), 128 + error.number
    if isinstance(error, IpseError):
        return f"error: {one_line(str(error))}", error.exit_code
    if isinstance(error, TyperException):
        return f"error: {usage(error)}", 2
    line = of_the_system(error) if isinstance(error, Exception) else None
    if line is None:
        raise error
    return f"error: {line}", 1


def of_the_system(error: Exception) -> str | None:
    """Return the message for an error of the system, such as lack of memory; None for any other."""
    said = lack(error) or amiss(error)
    if said is None and isinstance(error, ImportError) and not str(error.name or "ipse").startswith("ipse"):
        return f"{error.name} cannot be loaded ({one_line(str(error))}): reinstall ipse"
    return said


def usage(error: TyperException) -> str:
    """Return what is wrong with the command line, and the command that shows help."""
    context = getattr(error, "ctx", None)
    path = "ipse" if context is None else context.command_path
    said = one_line(error.format_message()).replace("Value error, ", "").rstrip(".")
    return f"{said}; see {path} --help"
