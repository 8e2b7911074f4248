"""argv ↦ exit code: 0 done, 1 failed midway, 2 the input cannot be used, 130 interrupted.

Whatever can be foreseen ends in one line on standard error, never in a traceback.
"""

import logging
import os
import sys


def main(args: list[str] | None = None) -> int:
    """Run the command ``ipse``."""
    # Threads that wait in a loop keep each other off the processor where others run too: on two busy cores a
    # step of the fast network took 6.5 s so, and 0.3 s with threads that sleep. Read when PyTorch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # of a bad file one line is said, by us
    try:
        from ipse.cli.errors import explain

        try:
            from ipse.cli.app import run

            return run(args)
        except Exception as error:  # ``explain`` raises again what nobody foresaw
            line, code = explain(error)
            if line:
                print(f"ipse: error: {line}", file=sys.stderr)
            return code
    except KeyboardInterrupt:
        print("ipse: interrupted before there was any estimate; nothing was written", file=sys.stderr)
        return 130
