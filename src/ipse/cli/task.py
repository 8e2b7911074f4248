"""ipse TASK PICTURE: the commands of tasks, with flags generated from the task's signature and ``Settings``."""

import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ipse import tasks
from ipse.batch.errands import Order
from ipse.cli.batch import Many, carry_out_many, hand_over, is_many
from ipse.cli.carry_out import carry_out
from ipse.cli.line import command_line
from ipse.cli.numbers import reading
from ipse.cli.streams import check_output
from ipse.errors import OptionError, OutputError, PictureError
from ipse.runs.job import ZARR, Job, default_target
from ipse.settings import Settings

STREAM = Path("-")


@dataclass(frozen=True)
class Files:
    """The options of the command itself: input, output and what to print."""

    picture: Annotated[
        list[Path],
        typer.Argument(help="Picture, or several: files, folders, globs. - reads standard input."),
    ]
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Output file, or a folder for several; - is standard output. Default: next to the input.",
        ),
    ] = None
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False
    json: Annotated[bool, typer.Option("--json", help="Print the receipt to standard output.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan (seconds, memory) and stop.")] = (
        False
    )
    strength: Annotated[
        float | None,
        typer.Option(
            help="From 0 (closest to the input) to 1 (smoothest). Default: the rule chooses.",
            **reading(float),
        ),
    ] = None
    snapshots: Annotated[
        bool, typer.Option("--snapshots", help="Save the fit's trajectory for 'ipse pick'.")
    ] = False
    residual: Annotated[
        bool,
        typer.Option("--residual", help="Also write what was removed, as 32-bit floats and as a view."),
    ] = False
    checkpoint: Annotated[
        Path | None, typer.Option(help="File to save the fit in regularly, so that it can be resumed.")
    ] = None
    checkpoint_every: Annotated[
        float, typer.Option(help="Seconds between checkpoints.", **reading(float))
    ] = 30.0
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the checkpoint, if it exists.")] = (
        False
    )
    axes: Annotated[
        str | None, typer.Option(help="Axes of a stack, such as ZYX. Default: from the file.", metavar="AXES")
    ] = None
    joint: Annotated[
        str | None,
        typer.Option(help="Restore planes along this axis (T, C or Z) together.", metavar="AXIS"),
    ] = None
    warm: Annotated[
        bool,
        typer.Option("--warm", help="Fit each plane from the weights of the one before, in half the steps."),
    ] = False


def callback(name: str) -> Callable[..., int]:
    """Return the command of a task, with a generated signature from which Typer makes the flags."""
    own, shared = tasks.options(name), tasks.shared_options()
    first = [one for one in own if one.argument]

    def command(**given: Any) -> int:
        places: dict[str, Any] = {"picture": [STREAM]}
        places.update({f.name: given[f.name] for f in fields(Files) if f.name in given})
        files = Files(**places)
        many = Many(**{f.name: given[f.name] for f in fields(Many) if f.name in given})
        settings = Settings(**{one.name: given[one.name] for one in shared})
        told = {one.name: given[one.name] for one in own}
        how = {"json": files.json, "quiet": files.quiet, "dry_run": files.dry_run}
        if is_many(files.picture, many):
            asked = order(name, files, many, settings, told)
            if many.slurm is not None:
                line = command_line(name, parameters, given, without=("slurm", "dry_run", "json"))
                return hand_over(asked, many.slurm, line, dry_run=files.dry_run)
            return carry_out_many(asked, many, **how)
        carry_out(job(name, files, settings, told), **how)
        return 0

    drawn = tasks.sees(name) == "nothing"
    parameters = [
        *arguments(first),
        *(one for one in parameters_of(Files) if one.name != "picture" or not drawn),
        *([] if drawn else parameters_of(Many)),
        *flags([one for one in own if not one.argument], "This task"),
        *flags(shared, "Settings"),
    ]
    parameters.sort(key=lambda one: one.default is not inspect.Parameter.empty)
    command.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    command.__name__ = name
    return command


def parameters_of(told: type[Files | Many]) -> list[inspect.Parameter]:
    """Return the fields of a dataclass of options as parameters."""
    hints, empty = get_type_hints(told, include_extras=True), inspect.Parameter.empty
    return [
        inspect.Parameter(
            f.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=empty if f.default is MISSING else f.default,
            annotation=hints[f.name],
        )
        for f in fields(told)
    ]


def arguments(known: Iterable[tasks.Option]) -> list[inspect.Parameter]:
    """Return options as positional arguments."""
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=Annotated[one.kind, typer.Argument(help=one.help)],
        )
        for one in known
    ]


def flags(known: Iterable[tasks.Option], panel: str) -> list[inspect.Parameter]:
    """Return options as flags. ``class_`` becomes --class, since ``class`` is a keyword in Python."""
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=Annotated[
                one.kind,
                typer.Option(
                    *([f"--{one.name[:-1]}"] if one.name.endswith("_") else []),
                    help=one.help,
                    rich_help_panel=panel,
                    **reading(one.kind),
                ),
            ],
        )
        for one in known
    ]


def job(task: str, files: Files, settings: Settings, told: dict[str, Any]) -> Job:
    """Make the job of one picture.

    Raises:
        OutputError: the result cannot be written to standard output.
    """
    (picture,) = files.picture
    source = None if picture == STREAM else picture
    drawn = tasks.sees(task) == "nothing"
    beside = default_target(task, Path(f"{task}.png") if source is None else source)
    target = files.output or (STREAM if source is None and not drawn else beside)
    target = target / beside.name if target.is_dir() and target.suffix != ZARR else target
    piped = target == STREAM and not files.dry_run
    if piped or files.json:
        check_output()
    if piped and files.json:
        raise OutputError("both the picture and --json would go to standard output: give a file with -o")
    if piped and sys.stdout.isatty():
        raise OutputError("standard output is a terminal, which cannot show pictures: give a file with -o")
    shared = nowhere(task, files, settings, told)
    place = None if target == STREAM else target
    return replace(shared, source=source, target=place, checkpoint=files.checkpoint, resume=files.resume)


def nowhere(task: str, files: Files, settings: Settings, told: dict[str, Any]) -> Job:
    """Return the job without source and target."""
    return Job(
        task=task,
        source=None,
        target=None,
        settings=settings,
        options=told,
        strength=files.strength,
        snapshots=files.snapshots,
        residual=files.residual,
        every=files.checkpoint_every,
        overwrite=files.overwrite,
        axes=capitals(files.axes),
        joint=capitals(files.joint),
        warm=files.warm,
    )


def capitals(axes: str | None) -> str | None:
    """Convert axes to upper case."""
    return axes and axes.upper()


def order(task: str, files: Files, many: Many, settings: Settings, told: dict[str, Any]) -> Order:
    """Make the order of several pictures.

    Raises:
        InputError: an option applies to a single picture only.
    """
    if STREAM in files.picture:
        raise PictureError("- is standard input, which holds one picture: restore it on its own")
    if files.output is None or files.output == STREAM:
        raise OutputError("several pictures need an output folder: give one with -o")
    if files.checkpoint is not None or files.resume:
        raise OptionError(
            "--checkpoint and --resume are for one picture: several keep their own, and the same command goes on"
        )
    return Order(
        tuple(files.picture),
        files.output,
        nowhere(task, files, settings, told),
        suffix=many.suffix,
        recursive=many.recursive,
        skip_existing=many.skip_existing,
        threads=many.threads,
    )
