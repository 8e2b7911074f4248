"""E and R: fidelities and regularisers, one a file."""

from ipse.objectives.activation import Activation
from ipse.objectives.distance import Distance
from ipse.objectives.held_out import HeldOutError, hold_out, hold_out_blocks
from ipse.objectives.least_squares import LeastSquares
from ipse.objectives.objective import Objective
from ipse.objectives.poisson import Poisson
from ipse.objectives.total_variation import TotalVariation

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
