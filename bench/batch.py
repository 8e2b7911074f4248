"""K fits at once, as the engine takes them: seeds of one picture, all to the end, or ending one after the other.

python -m bench.batch [--task upscale] [--side 64] [--count 4] [--steps 20] [--rounds 5]

What a GPU leaves idle at one fit is what a second one gets for less than its price. The command asks a CPU: CPU seconds
of K fits at once, as a part of those of K fits in turn, both taken in every round.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from bench.steps import problem, settle
from ipse.engine.fit import Fit
from ipse.engine.stopping import Last
from ipse.engine.together.team import join, together
from ipse.engine.until import until
from ipse.settings import Settings

WARM = 2  # steps that are not counted: they fill the caches


def fits(task: str, count: int, settings: Settings, *, side: int) -> list[Fit]:
    """The fits of so many seeds of a task's default, before their first step."""
    made = [problem(task, replace(settings, seed=seed), side=side) for seed in range(count)]
    return [Fit(one, pilot=getattr(one.prior, "pilot", None)) for one in made]


def timed(fits: list[Fit], work: Callable[[], object]) -> float:
    """Wall seconds of what is done with fits."""
    device = fits[0].prior.z.device
    settle(device)
    start = time.perf_counter()
    work()
    settle(device)
    return time.perf_counter() - start


def check(fits: list[Fit]) -> None:
    """Refuse several fits that are fitted alone.

    Raises:
        RuntimeError: they could not be stacked.
    """
    if len(fits) > 1 and any(fit.team is None for fit in fits):
        raise RuntimeError("they cannot be stacked")


def at_once(task: str, count: int, settings: Settings, *, side: int, steps: int) -> float:
    """Seconds of a step of each of ``count`` fits; of one fit it is the engine's own step."""
    made = fits(task, count, replace(settings, steps=WARM + steps + 1), side=side)
    join(made)

    def rounds(number: int) -> None:
        for fit in number * made:
            fit.advance()

    rounds(WARM)
    check(made)
    return timed(made, lambda: rounds(steps)) / steps / count


def one_by_one(task: str, count: int, settings: Settings, *, side: int, steps: int) -> float:
    """Seconds of a step of each of ``count`` fits, of which the k-th ends after k shares of ``steps``, and leaves."""
    made = fits(task, count, replace(settings, steps=WARM + steps), side=side)
    ends = [max(1, steps * (k + 1) // count) for k in range(count)]
    searches = [until(fit, Last(WARM + end)) for fit, end in zip(made, ends, strict=True)]
    rounds = together({one.fit: iter(one) for one in searches})
    for _ in range(WARM):
        next(rounds)
    check(made)
    return timed(made, lambda: [None for _ in rounds]) / sum(ends)


def ratio(task: str, count: int, *, side: int, steps: int) -> float:
    """CPU seconds of ``count`` fits at once to those of as many in turn."""
    spent: list[float] = []
    settings = Settings(device="cpu", steps=WARM + steps + 1)
    for stacked in (True, False):
        made = fits(task, count, settings, side=side)
        if stacked:
            join(made)
            check(made)
        for fit in WARM * made:
            fit.advance()
        start = time.process_time()
        for fit in steps * made:
            fit.advance()
        spent.append(time.process_time() - start)
    return spent[0] / spent[1]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(
        "python -m bench.batch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", default="upscale", choices=("denoise", "upscale"))
    for name, default in (("side", 64), ("count", 4), ("steps", 20), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args(argv)
    found = [ratio(args.task, args.count, side=args.side, steps=args.steps) for _ in range(args.rounds)]
    said = ", ".join(f"{one:.2f}" for one in sorted(found))
    print(f"{args.task}, {args.count} of {args.side}² at once / in turn: {median(found):.2f} ({said})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
