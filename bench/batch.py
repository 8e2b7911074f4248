"""K fits at once, as the engine takes them: seeds of one picture, all to the end, or ending one after the other.

What a GPU leaves idle at one fit is what a second one gets for less than its price.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from bench.steps import problem, settle
from ipse.fit import Fit
from ipse.settings import Settings
from ipse.stopping import Last
from ipse.together import join, together
from ipse.until import until

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
