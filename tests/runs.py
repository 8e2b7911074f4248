"""What the tests of runs share: one pulled to its end."""

from ipse.runs.receipt import Receipt
from ipse.runs.run import Run


def pulled(run: Run) -> Receipt:
    for _ in run:
        pass
    return run.finish()
