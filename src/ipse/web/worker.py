"""A worker process, which runs jobs for the server one after the other.

PyTorch is imported before the first order comes, so that the first estimate is quick; but not by a worker that is
started ``cold``, which only looks at headers and options.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from ipse.errors import IpseError, amiss, lack, one_line
from ipse.web.bounds import bounded
from ipse.web.channel import Channel

COLD = "cold"
Kinds = dict[str, Callable[[dict[str, Any], Channel], None]]
NICE = 5  # lower priority, so that the server stays responsive during fits


def main() -> None:
    """Process orders until the pipe is closed."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see ipse.cli
    channel = Channel()
    if hasattr(os, "nice"):
        os.nice(NICE)
    kinds = load_cold() if COLD in sys.argv else load()
    while (order := channel.orders.get()) is not None:
        carry_out(kinds[order["kind"]], order, channel)
    sys.exit(0)


def load_cold() -> Kinds:
    """Import the modules that do not need PyTorch."""
    from ipse.web import checks, errands, examples

    return {"weigh": errands.weigh, "check": checks.check, "example": examples.example}


def load() -> Kinds:
    """Import the other modules and take a first step, which is the slowest."""
    import numpy as np

    from ipse.pictures import from_array
    from ipse.settings import Settings
    from ipse.streams.open import restore
    from ipse.web import errands, fitting, sight

    noise = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    restore(from_array(noise), "denoise", Settings(preset="fast", steps=1), {"sigma": 25.0})
    return {
        "fit": fitting.fit,
        "closer": sight.closer,
        "draft": sight.draft,
        "look": errands.look,
        "mask": errands.mask,
        "pick": errands.pick,
        "plan": errands.plan,
        "search": errands.search,
    }


def carry_out(
    work: Callable[[dict[str, Any], Channel], None], order: dict[str, Any], channel: Channel
) -> None:
    """Run one job. A failure is reported in one line; its traceback goes to standard error only."""
    try:
        with bounded(order.get("memory")):
            work(order, channel)
    except IpseError as error:
        channel.send("failed", code=type(error).__name__, message=named(one_line(str(error)), order))
    except Exception as error:  # after any error, the worker can run the next job
        said = lack(error) or amiss(error)
        if said is None:
            traceback.print_exc()
            said = "unexpected error: see the server's log for details"
        channel.send("failed", code="RunError", message=said)


def named(text: str, order: dict[str, Any]) -> str:
    """Replace paths on the server by the user's names of the files."""
    for path, name in order.get("names", {}).items():
        text = text.replace(path, name)
    return text.replace(f"{order['folder']}/", "") if "folder" in order else text


if __name__ == "__main__":
    main()
