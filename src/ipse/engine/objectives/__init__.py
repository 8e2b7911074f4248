"""E and R: data fidelities and regularisers, one file each."""

from ipse.engine.objectives.activation import Activation
from ipse.engine.objectives.distance import Distance
from ipse.engine.objectives.held_out import HeldOutError, hold_out, hold_out_blocks
from ipse.engine.objectives.least_squares import LeastSquares
from ipse.engine.objectives.objective import Objective
from ipse.engine.objectives.poisson import Poisson
from ipse.engine.objectives.total_variation import TotalVariation

__all__ = [
    "Activation",
    "Distance",
    "HeldOutError",
    "LeastSquares",
    "Objective",
    "Poisson",
    "TotalVariation",
    "hold_out",
    "hold_out_blocks",
]
