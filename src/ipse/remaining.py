"""T − t: how long a restoration's stream may still take."""

from typing import TYPE_CHECKING

from ipse.problem import Problem
from ipse.restoration import Restoration
from ipse.tiled import Tiled

if TYPE_CHECKING:
    from ipse.stopping import State


def steps(restoration: Restoration) -> int:
    """The steps that the recipe allows."""
    return restoration.problem.recipe.steps if isinstance(restoration.problem, Problem) else 0


def time_left(restoration: Restoration, event: "State") -> float:
    """Seconds to the last step, or to the end of the time budget: the rule may stop earlier."""
    left, spent = event.seconds / event.step * (steps(restoration) - event.step), restoration.seconds
    if isinstance(restoration, Tiled):
        pilot = 0.0 if restoration.inner is None else restoration.inner.seconds
        whole = pilot + event.seconds + left  # of this tile, as of each that follows
        left, spent = left + whole * (restoration.count - restoration.index - 1), restoration.spent + pilot
    budget = restoration.settings.seconds
    return left if budget is None else max(0.0, min(left, budget - spent - event.seconds))
