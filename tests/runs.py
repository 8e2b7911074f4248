"""What the tests of runs share: one pulled to its end."""

from ipse.receipt import Receipt
from ipse.run import Run


def pulled(run: Run) -> Receipt:
    for _ in run:
        pass
    return run.finish()
