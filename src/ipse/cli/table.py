"""Progress display of a batch: a table of workers on a terminal, one line per picture elsewhere."""

import sys
import time
from pathlib import Path
from typing import Protocol

from ipse.batch.records import WORDS, Moment, Record, Tally
from ipse.cli.terminal import is_plain
from ipse.errors import one_line

Event = Moment | Record | None
EVERY = 0.25  # seconds between two updates of the table


class View(Protocol):
    """A display of the events of a batch."""

    def show(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Restore the terminal."""


class Silence:
    """Shows failures only."""

    def show(self, event: Event) -> None:
        """Show a failure."""
        if isinstance(event, Record) and event.state == "failed":
            print(f"ipse: error: {event.error}", file=sys.stderr)

    def close(self) -> None:
        """Do nothing."""


class Lines:
    """Prints one line per finished picture."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def show(self, event: Event) -> None:
        """Print a record."""
        if isinstance(event, Record):
            print(f"[{counted(self.tally)}] {said(event)}", file=sys.stderr)

    def close(self) -> None:
        """Do nothing."""


class Table:
    """A live table with one row per worker; failures are printed above it."""

    def __init__(self, tally: Tally) -> None:
        from rich.console import Console
        from rich.live import Live

        self.tally = tally
        self.started, self.drawn = time.monotonic(), 0.0
        self.rows: dict[str, Moment | Record] = {}
        self.console = Console(stderr=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=True)
        self.live.start()

    def show(self, event: Event) -> None:
        """Update the table, if it is time."""
        if event is not None:
            self.rows[event.worker] = event
        if isinstance(event, Record) and event.state == "failed":
            self.console.print(said(event), markup=False, highlight=False, soft_wrap=True)
        if time.monotonic() - self.drawn >= EVERY:
            self.draw()

    def draw(self) -> None:
        """Draw the table."""
        from rich.table import Table as Grid
        from rich.text import Text

        from ipse.cli.progress import clock

        spent = clock(time.monotonic() - self.started)
        grid = Grid("worker", "picture", "state", "seconds", caption=f"{counted(self.tally)}, {spent}")
        for worker, event in sorted(self.rows.items()):
            grid.add_row(
                worker or "here", Text(one_line(Path(event.input).name)), state(event), f"{event.seconds:.1f}"
            )
        self.live.update(grid, refresh=True)
        self.drawn = time.monotonic()

    def close(self) -> None:
        """Remove the table."""
        self.live.stop()


def view(tally: Tally, *, quiet: bool) -> View:
    """Choose the display for this terminal."""
    if quiet:
        return Silence()
    return Table(tally) if sys.stderr.isatty() and not is_plain() else Lines(tally)


def counted(tally: Tally) -> str:
    """The number of finished pictures."""
    done = tally.states.total()
    return f"{done}" if tally.total is None else f"{done} of {tally.total}"


def said(record: Record) -> str:
    """The line for a finished picture."""
    if record.state == "failed":
        return f"failed: {record.error}"
    return one_line(f"{record.input} → {record.output}: {WORDS[record.state]}, {record.seconds:.1f} s")


def state(event: Moment | Record) -> str:
    """The state of a fit in a few words."""
    if isinstance(event, Record):
        return WORDS[event.state]
    return f"step {event.step} of {event.steps}" if event.step else "first estimate"
