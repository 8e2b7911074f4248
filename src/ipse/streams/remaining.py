"""T − t: how long a restoration's stream may still take."""

from typing import TYPE_CHECKING

from ipse.engine.problem import Problem
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration
from ipse.streams.seeds import Seeds

if TYPE_CHECKING:
    from ipse.engine.stopping import State


def steps(restoration: Restoration) -> int:
    """The steps that the recipe allows."""
    return restoration.problem.recipe.steps if isinstance(restoration.problem, Problem) else 0


def time_left(restoration: Restoration, event: "State") -> float:
    """Seconds to the last step, or to the end of the time budget: the rule may stop earlier."""
    running, spent = restoration, 0.0
    while isinstance(running, Parts | Seeds) and running.inner is not None:
        running, spent = running.inner, spent + running.spent
    spent += running.seconds + event.seconds
    left = event.seconds / event.step * (steps(restoration) - event.step)
    left += (running.seconds + event.seconds + left) * ahead(
        restoration
    )  # those that follow are like this one
    budget = restoration.settings.seconds
    return left if budget is None else max(0.0, min(left, budget - spent))


def ahead(restoration: Restoration | None) -> int:
    """The fits that follow the one under way: of the seeds, and of the tiles or planes."""
    match restoration:
        case Parts():
            tiles = restoration.count - restoration.index - 1
            return tiles * restoration.settings.seeds + ahead(restoration.inner)
        case Seeds():
            return restoration.count - restoration.index - 1
        case _:
            return 0
