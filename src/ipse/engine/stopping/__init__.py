"""Stopping rules: when to stop, and which step to keep, without a ground truth."""

from ipse.engine.stopping.discrepancy import Discrepancy
from ipse.engine.stopping.held_out import HeldOut
from ipse.engine.stopping.last import Last
from ipse.engine.stopping.moving_variance import ExponentialVariance, WindowedVariance
from ipse.engine.stopping.rule import Rule, State, Verdict
from ipse.engine.stopping.seconds import Seconds

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
