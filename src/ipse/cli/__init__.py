"""The command ``ipse``. Exit codes: 0 done, 1 failed midway, 2 invalid input, 128 + n ended by signal n.

Expected errors are reported as one line on standard error, never as a traceback.
"""

import logging
import os
import signal
import sys


def main(args: list[str] | None = None) -> int:
    """Run the command ``ipse``."""
    # Threads that wait actively block each other if other programs are running: on two busy cores, a step of the fast
    # network took 6.5 s, and 0.3 s with passive waiting. PyTorch reads this setting when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # bad files are reported by ipse, in one line
    try:
        from ipse.cli.streams import streams

        with streams():
            return explained(args)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def explained(args: list[str] | None) -> int:
    """Run the command; report errors in one line."""
    from ipse.cli.errors import explain

    try:
        from ipse.cli.app import run

        try:
            return run(args)
        finally:
            sys.stdout.flush()  # otherwise a failed write would cause a traceback at exit
    except (Exception, KeyboardInterrupt) as error:  # ``explain`` raises unexpected errors again
        line, code = explain(error)
        if line:
            print(f"ipse: {line}", file=sys.stderr)
        return code
