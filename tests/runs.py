"""Helpers for tests of runs."""

from ipse.runs.inputs import WholeFile
from ipse.runs.job import Job
from ipse.runs.open import run_from
from ipse.runs.receipt import Receipt
from ipse.runs.run import Run


def pulled(run: Run) -> Receipt:
    """The receipt of a run that is pulled to its end."""
    for _ in run:
        pass
    return run.finish()


def open_whole(job: Job) -> Run:
    """Open a job with its picture in memory, whatever its size."""
    return run_from(WholeFile(job))
