"""argv ↦ exit code: 0 done, 1 failed midway, 2 the input cannot be used, 128 + n ended by the signal n.

Whatever can be foreseen ends in one line on standard error, never in a traceback.
"""

import logging
import os
import signal
import sys


def main(args: list[str] | None = None) -> int:
    """Run the command ``ipse``."""
    # Threads that wait in a loop keep each other off the processor where others run too: on two busy cores a
    # step of the fast network took 6.5 s so, and 0.3 s with threads that sleep. Read when PyTorch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # of a bad file one line is said, by us
    try:
        from ipse.cli.streams import streams

        with streams():
            return explained(args)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def explained(args: list[str] | None) -> int:
    """Run the command; what stops it is said in one line."""
    from ipse.cli.errors import explain

    try:
        from ipse.cli.app import run

        try:
            return run(args)
        finally:
            sys.stdout.flush()  # what cannot be written would else show after all is over, as a traceback
    except (Exception, KeyboardInterrupt) as error:  # ``explain`` raises again what nobody foresaw
        line, code = explain(error)
        if line:
            print(f"ipse: {line}", file=sys.stderr)
        return code
