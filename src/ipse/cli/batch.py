"""ipse TASK FILES, FOLDERS, GLOBS -o FOLDER: restore many pictures with the same options."""

import sys
from contextlib import closing
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Annotated

import typer

from ipse.batch.carried import Stream, carried
from ipse.batch.errands import Errand, Order
from ipse.batch.listing import is_folder, is_there
from ipse.batch.many import engine
from ipse.batch.records import Manifest, Record, Tally
from ipse.batch.slurm import Slurm, script, submit
from ipse.batch.watch import Watch
from ipse.cli.interrupts import Interrupts, Patience
from ipse.cli.load import load
from ipse.cli.numbers import reading
from ipse.cli.table import View, view
from ipse.errors import OptionError
from ipse.runs.job import SUFFIX

PANEL = "Several pictures"


@dataclass(frozen=True)
class Many:
    """The options for several pictures."""

    recursive: Annotated[
        bool, typer.Option("--recursive", help="Include subfolders.", rich_help_panel=PANEL)
    ] = False
    suffix: Annotated[str, typer.Option(help="Suffix for output names.", rich_help_panel=PANEL)] = SUFFIX
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Skip pictures whose output exists, unchecked.", rich_help_panel=PANEL
        ),
    ] = False
    watch: Annotated[
        bool,
        typer.Option(
            "--watch", help="Watch the folders for new pictures until Ctrl-C.", rich_help_panel=PANEL
        ),
    ] = False
    threads: Annotated[
        int | None,
        typer.Option(
            help="Threads per fit. Default: all cores, shared by the fits.",
            rich_help_panel=PANEL,
            **reading(int),
        ),
    ] = None
    together: Annotated[
        int | None,
        typer.Option(
            help="Pictures of the same size to fit at once. Default: up to 8 on a GPU, else 1.",
            rich_help_panel=PANEL,
            **reading(int),
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            help="Worker processes on this machine (needs Dask).", rich_help_panel=PANEL, **reading(int)
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address or file of a Dask scheduler to run on.", metavar="ADDRESS", rich_help_panel=PANEL
        ),
    ] = None
    slurm: Annotated[
        str | None,
        typer.Option(
            help="Submit as a SLURM job: partition, account, walltime, workers, cores, memory, gpus. "
            "With --dry-run, print the script.",
            metavar="KEY=VALUE,…",
            rich_help_panel=PANEL,
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.slurm is not None and self.together is not None:
            raise OptionError(f"--together {self.together} works in one process only: remove --slurm")


def hand_over(order: Order, slurm: str, line: list[str], *, dry_run: bool) -> int:
    """Check the batch, then submit it as a SLURM job.

    Raises:
        InputError: invalid pictures or SLURM options, or sbatch is not installed.
        RunError: sbatch refused the job.
    """
    text = script(Slurm.parse(slurm), line, order.output, name=f"ipse-{order.job.task}")
    order.errands(order.listing())
    if dry_run:
        print(text, end="")
        return 0
    order.make_output()
    print(submit(text), file=sys.stderr)
    return 0


def is_many(pictures: list[Path], many: Many) -> bool:
    """Whether the arguments mean more than one file."""
    if len(pictures) != 1 or many != Many():
        return True
    only = pictures[0]
    return is_folder(only) or (has_magic(str(only)) and not is_there(only))


def carry_out_many(order: Order, many: Many, *, json: bool, quiet: bool, dry_run: bool) -> int:
    """Restore all pictures, or print the plan for ``dry_run``.

    Returns:
        The exit code: 1 if a picture failed.

    Raises:
        OptionError: both workers and a scheduler are given, Dask is not installed, or a number is out of range.
        Interrupted: the batch was interrupted; finished pictures are recorded.
    """
    tally = Tally()
    source = Watch(order) if many.watch else found(order, tally)
    run = engine(many.workers, many.scheduler, {order.job.settings.device}, many.together)
    if dry_run:
        return show(order, source, many, json=json)
    order.make_output()
    with Interrupts() as interrupts:
        interrupts.patience = Patience.ONE
        if many.workers is None and many.scheduler is None:
            load()
        try:
            stream = carried(source, run, Manifest(order.manifest))
            pull(stream, tally, interrupts, shown=view(tally, quiet=quiet), json=json)
        finally:
            if not quiet:
                print(tally.line(manifest=order.manifest), file=sys.stderr)
    if not many.watch:
        interrupts.check()
    return int(tally.states["failed"] > 0)


def found(order: Order, tally: Tally) -> list[Errand]:
    """Find the pictures, and count the other files.

    Raises:
        InputError: a picture is missing, or two have the same output.
    """
    listing = order.listing()
    errands = order.errands(listing)
    tally.total, tally.others, tally.own = len(errands), listing.others, listing.own
    return errands


def pull(stream: Stream, tally: Tally, interrupts: Interrupts, *, shown: View, json: bool) -> None:
    """Run the stream to its end, or to the first interruption."""
    with closing(stream) as events, closing(shown):
        for event in events:
            if isinstance(event, Record):
                tally.add(event)
                if json:
                    print(event.to_json(), flush=True)
            shown.show(event)
            if interrupts.asked:
                return


def show(order: Order, source: Watch | list[Errand], many: Many, *, json: bool) -> int:
    """Print the plan: outputs, time and memory.

    Returns:
        The exit code: 1 if a picture would fail.
    """
    if isinstance(source, Watch):
        print(f"{', '.join(map(str, order.pictures))} → {order.output}, as pictures arrive")
        return 0
    from ipse.cli.forecast import show_forecast

    threads = many.threads
    if many.workers is not None:
        from ipse.batch.local import threads_of_each

        threads = threads or threads_of_each(many.workers)
    return show_forecast(source, workers=many.workers or 1, threads=threads, as_json=json)
