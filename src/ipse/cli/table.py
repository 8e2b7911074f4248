"""Moments and records ↦ what a person sees of a batch: a table of workers on a terminal, a line a picture elsewhere."""

import sys
import time
from pathlib import Path
from typing import Protocol

from ipse.batch.records import WORDS, Moment, Record, Tally
from ipse.errors import one_line

Event = Moment | Record | None
EVERY = 0.25  # seconds between two drawings


class View(Protocol):
    """Something that shows the stream."""

    def show(self, event: Event) -> None:
        """Show one event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Silence:
    """Shows failures only."""

    def show(self, event: Event) -> None:
        """Show a failure."""
        if isinstance(event, Record) and event.state == "failed":
            print(f"ipse: error: {event.error}", file=sys.stderr)

    def close(self) -> None:
        """Do nothing."""


class Lines:
    """A line for each picture that is finished."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally

    def show(self, event: Event) -> None:
        """Print a record."""
        if isinstance(event, Record):
            print(f"[{counted(self.tally)}] {said(event)}", file=sys.stderr)

    def close(self) -> None:
        """Nothing is left open."""


class Table:
    """One row a worker, drawn again and again; lines of failures stay above it."""

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
        """Draw, if it is time."""
        if event is not None:
            self.rows[event.worker] = event
        if isinstance(event, Record) and event.state == "failed":
            self.console.print(said(event), markup=False, highlight=False)
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
        """Take the table away."""
        self.live.stop()


def view(tally: Tally, *, quiet: bool) -> View:
    """Choose how to show a batch here."""
    if quiet:
        return Silence()
    return Table(tally) if sys.stderr.isatty() else Lines(tally)


def counted(tally: Tally) -> str:
    """How many are finished."""
    done = tally.states.total()
    return f"{done}" if tally.total is None else f"{done} of {tally.total}"


def said(record: Record) -> str:
    """One line on a picture."""
    if record.state == "failed":
        return f"failed: {record.error}"
    return one_line(f"{record.input} → {record.output}: {WORDS[record.state]}, {record.seconds:.1f} s")


def state(event: Moment | Record) -> str:
    """Where a fit stands, in a few words."""
    if isinstance(event, Record):
        return WORDS[event.state]
    return f"step {event.step} of {event.steps}" if event.step else "first estimate"
