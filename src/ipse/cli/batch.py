"""ipse TASK FILES, FOLDERS, GLOBS -o FOLDER: many pictures, the same way each."""

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
    """What the command is told of several pictures."""

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
    """Submit the batch as a job, once it is clear that it can be carried out.

    Raises:
        InputError: something is wrong with the pictures, with what is asked of SLURM, or sbatch is not here.
        RunError: sbatch refused.
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
    """Whether more is meant than one file."""
    if len(pictures) != 1 or many != Many():
        return True
    only = pictures[0]
    return is_folder(only) or (has_magic(str(only)) and not is_there(only))


def carry_out_many(order: Order, many: Many, *, json: bool, quiet: bool, dry_run: bool) -> int:
    """Restore all pictures, or say what would become what.

    Returns:
        The exit code: 1 where a picture failed.

    Raises:
        OptionError: two places to run are named, Dask is not installed, or a number cannot be.
        Interrupted: it was interrupted; what is finished is written down.
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
    """Find the pictures, and count what is none.

    Raises:
        InputError: one is not there, or two would become one.
    """
    listing = order.listing()
    errands = order.errands(listing)
    tally.total, tally.others, tally.own = len(errands), listing.others, listing.own
    return errands


def pull(stream: Stream, tally: Tally, interrupts: Interrupts, *, shown: View, json: bool) -> None:
    """Pull the stream to its end, or to the first interruption."""
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
    """Print what would become of what, and what it would take.

    Returns:
        The exit code: 1 where a picture would fail.
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
