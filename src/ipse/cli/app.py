"""The commands of ``ipse``: every task, and every module of ``commands/``, by file name, loaded when called.

``ipse --help`` takes names from the folders and reads one line of each function's docstring off its source:
it imports neither tasks nor PyTorch.
"""

from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ipse import tasks
from ipse.cli.errors import INTERRUPTED
from ipse.cli.terminal import WIDEST, lists_help, width
from ipse.errors import InputError, OptionError
from ipse.tasks._outline import outline

HERE = Path(__file__).parent
HELP = {"help_option_names": ["-h", "--help"]}


def names() -> list[str]:
    """The names of the commands that are not tasks."""
    return sorted(file.stem for file in (HERE / "commands").glob("[!_]*.py"))


def about(name: str) -> str:
    """Return the docstring of a command's function, without ``Raises``, and without importing its module."""
    if name in tasks.names():
        text = tasks.about(name)
    else:
        text = outline(HERE / "commands" / f"{name}.py").docstring("command")
    text = text.split("\n\nRaises:")[0].split("\n\nArgs:")[0]
    return text if lists_help() else text.replace("[", r"\[")  # otherwise Rich would interpret it as markup


class Later(TyperCommand):
    """A command of which only name and help line are loaded until it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Build the command and parse its arguments."""
        return load(str(self.name)).make_context(info_name, args, parent=parent, **extra)


class Commands(TyperGroup):
    """Tasks first, then the rest."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands."""
        return [*tasks.names(), *names()]

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return a command by its exact name."""
        if cmd_name in self.list_commands(ctx):
            panel = "Tasks" if cmd_name in tasks.names() else "More"
            return Later(cmd_name, help=about(cmd_name).partition("\n")[0], rich_help_panel=panel)
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was called.

        Raises:
            OptionError: there is none of that name.
        """
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            close = get_close_matches(args[0], known, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(known)}"
            raise OptionError(f"command {args[0]!r} is unknown: {hint}")
        return super().resolve_command(ctx, args)


def markup() -> Literal["rich"] | None:
    """Typer's name for the form of help: tables of Rich's, or lists."""
    return None if lists_help() else "rich"


def load(name: str) -> Any:
    """Build a command."""
    app = typer.Typer(add_completion=False, rich_markup_mode=markup(), context_settings=HELP)
    if name in tasks.names():
        from ipse.cli.task import callback

        function = callback(name)
    else:
        function = import_module(f"ipse.cli.commands.{name}").command
    app.command(name, help=about(name))(function)
    return get_command(app)


app = typer.Typer(
    cls=Commands, rich_markup_mode="rich", context_settings=HELP, pretty_exceptions_enable=False
)


@app.callback(invoke_without_command=True)
def ipse(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Restore a picture from itself alone, by self-similarity and Deep Image Prior: no training data needed."""
    if version:
        from importlib.metadata import version as installed

        print(f"ipse {installed('ipse')}")
    elif ctx.invoked_subcommand is None:
        print(ctx.get_help())


def check_here() -> None:
    """Check that the working folder exists; otherwise no path works, and PyTorch's libraries end the process.

    Raises:
        InputError: the working folder has been removed.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise InputError("the working folder has been removed: change to another") from None


def run(args: list[str] | None) -> int:
    """Run the command, and return its exit code.

    Raises:
        KeyboardInterrupt: interrupted before there was anything to write.
        InputError: the working folder has been removed.
    """
    check_here()
    app.rich_markup_mode = markup()
    code = app(args, prog_name="ipse", standalone_mode=False, terminal_width=min(width(), WIDEST))
    if code == INTERRUPTED:  # Typer's exit code for a KeyboardInterrupt
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0
