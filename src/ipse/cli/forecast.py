"""ipse TASK FOLDER -o FOLDER --dry-run: print the plan for each picture and the totals."""

from collections.abc import Sequence
from dataclasses import asdict

from ipse.batch.errands import Errand
from ipse.batch.forecast import Outlook, Totals, forecast
from ipse.batch.records import WORDS
from ipse.cli.progress import clock
from ipse.errors import one_line
from ipse.runs.plan import said
from ipse.runs.receipt import json_text


def show_forecast(errands: Sequence[Errand], *, workers: int, threads: int | None, as_json: bool) -> int:
    """Print one line per picture, then the totals.

    Returns:
        The exit code: 1 where a picture would fail.
    """
    looks, totals = forecast(errands, workers=workers, threads=threads)
    for look in looks:
        print(json_text(asdict(look)) if as_json else one_line(line(look)))
    print(json_text({"totals": asdict(totals)}) if as_json else last(totals))
    return int(totals.states.get("failed", 0) > 0)


def line(look: Outlook) -> str:
    """Return the line for one picture."""
    place = f"{look.input} → {look.output}"
    if look.state == "failed":
        return f"{place}: would fail: {look.error}"
    if look.state != "restore" or look.size is None:
        return f"{place}: {WORDS['skipped' if look.state == 'skipped' else 'earlier']}"
    planes = f"{look.planes} planes of " if look.planes > 1 else ""
    size = f"{planes}{look.size[1]}×{look.size[0]}"
    if look.seconds is None or look.memory is None:
        return f"{place}: {size}"
    return f"{place}: {size}, at most about {look.seconds:.0f} s, {said(look.memory)}"


def last(totals: Totals) -> str:
    """Return the line with the totals."""
    words = {"restore": "to restore", "earlier": "done before", "skipped": "skipped", "failed": "would fail"}
    counts = ", ".join(
        f"{totals.states[state]} {word}" for state, word in words.items() if state in totals.states
    )
    if not totals.seconds:
        return counts or "no pictures"
    free = "" if totals.available is None else f", {said(totals.available)} free"
    short = totals.available is not None and totals.memory > totals.available
    many = f" with {totals.workers} workers" if totals.workers > 1 else ""
    memory = f"about {said(totals.memory)} at a time{free}{': NOT ENOUGH' if short else ''}"
    return f"{counts}: at most about {clock(totals.seconds)}{many}; {memory}"
