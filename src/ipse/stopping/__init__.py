"""*: when to stop, and which step to keep, without a clean picture."""

from ipse.stopping.discrepancy import Discrepancy
from ipse.stopping.held_out import HeldOut
from ipse.stopping.last import Last
from ipse.stopping.moving_variance import ExponentialVariance, WindowedVariance
from ipse.stopping.rule import Rule, State, Verdict
from ipse.stopping.seconds import Seconds

__all__ = [
    "Discrepancy",
    "ExponentialVariance",
    "HeldOut",
    "Last",
    "Rule",
    "Seconds",
    "State",
    "Verdict",
    "WindowedVariance",
]
