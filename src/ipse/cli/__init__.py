"""argv ↦ exit code: 0 done, 1 failed midway, 2 the input cannot be used, 130 interrupted.

Whatever can be foreseen ends in one line on standard error, never in a traceback.
"""

import sys


def main(args: list[str] | None = None) -> int:
    """Run the command ``ipse``."""
    try:
        from ipse.cli.errors import explain

        try:
            from ipse.cli.app import run

            return run(args)
        except Exception as error:
            line, code = explain(error)
            if line:
                print(f"ipse: error: {line}", file=sys.stderr)
            return code
    except KeyboardInterrupt:
        print("ipse: interrupted before there was any estimate; nothing was written", file=sys.stderr)
        return 130
