"""Progress display on standard error: step, held-out score, remaining time.

A progress bar on a terminal, occasional lines elsewhere, nothing with ``--quiet``.
"""

import sys
import time
from typing import TYPE_CHECKING, Protocol

from ipse.cli.terminal import is_plain
from ipse.streams.forecast import Forecast
from ipse.streams.stream import Estimate, Stream, steps

if TYPE_CHECKING:
    from rich.progress import TaskID

    from ipse.engine.stopping import State

EVERY = 10.0  # seconds between plain lines


class View(Protocol):
    """A display of a stream."""

    def show(self, event: "Estimate | State") -> None:
        """Show one event."""

    def close(self) -> None:
        """Restore the terminal."""


class Silence:
    """Shows nothing."""

    def show(self, event: "Estimate | State") -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Lines:
    """Prints a line for each estimate, and one every few seconds."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.forecast = stream, Forecast(stream)
        self.last = 0.0

    def show(self, event: "Estimate | State") -> None:
        """Print a line, if it is time."""
        now = time.monotonic()
        if isinstance(event, Estimate):
            what = f"{called(event)} {event.index + 1}"
            print(f"{self.stream.where}{what}: {event.seconds:.1f} s{told(self.forecast)}", file=sys.stderr)
            self.last = now
        elif event.step == 1 or now - self.last >= EVERY:
            self.last = now
            total = steps(self.stream)
            where = f"{self.stream.where}step {event.step} of {total}"
            print(f"{where}{scored(event)}{told(self.forecast, 'at most')}", file=sys.stderr)

    def close(self) -> None:
        """Do nothing."""


class Bar:
    """A progress bar on a terminal."""

    def __init__(self, stream: Stream) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn

        forecast = Forecast(stream)

        class Left(ProgressColumn):
            """The time that is left, which is told anew several times a second."""

            def render(self, task: Task) -> str:
                """Say how long."""
                return told(forecast, "about" if task.fields["estimating"] else "at most").removeprefix(", ")

        self.stream = stream
        said = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}")
        columns = (*said, Left())
        self.progress: Progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self.bar: TaskID = self.progress.add_task("looking", total=None, said="", estimating=True)
        self.progress.start()
        forecast.look()

    def show(self, event: "Estimate | State") -> None:
        """Update the bar."""
        if isinstance(event, Estimate):
            self.progress.update(
                self.bar,
                description=called(event),
                said=f"{self.stream.where}{event.index + 1} ({event.seconds:.1f} s)",
                estimating=True,
            )
            return
        total = steps(self.stream)
        where = f"{self.stream.where}step {event.step} of {total}"
        said = f"{where}{scored(event)}"
        self.progress.update(
            self.bar, description="fit", completed=event.step, total=total, said=said, estimating=False
        )

    def close(self) -> None:
        """Remove the bar."""
        self.progress.stop()


def view(stream: Stream, *, quiet: bool) -> View:
    """Choose the display for this terminal."""
    if quiet:
        return Silence()
    return Bar(stream) if sys.stderr.isatty() and not is_plain() else Lines(stream)


def called(event: Estimate) -> str:
    """The name of an estimate."""
    return "refined" if event.refined else "pilot"


def scored(event: "State") -> str:
    """The held-out score, if there is one."""
    return "" if event.score is None else f", held-out score {event.score:.4g}"


def told(forecast: Forecast, how: str = "about") -> str:
    """The time that is left, if anybody can say."""
    left = forecast.left()
    return "" if left is None else f", {how} {clock(left)} left"


def clock(seconds: float) -> str:
    """Seconds as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
