"""Stopping rules: when to stop, and which step to keep, without a ground truth.

A rule with a ``name`` can be chosen by it, wherever in this package its file is.
"""

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from torch import Tensor

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
    "named",
]


def named(name: str, *, sigma: float | None, misfit: Callable[[Tensor], float] | None) -> Rule:
    """Make the rule with the given name for a fit.

    Args:
        name: one of ``ipse.settings.rules()``.
        sigma: the noise level, if it is known.
        misfit: maps an output to its mean squared error, if the loss has other terms as well.

    Raises:
        OptionError: the rule needs the noise level.
    """
    for module in iter_modules(__path__):
        for kind in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(kind, type) and issubclass(kind, Rule) and kind.name == name:
                return kind.of(sigma=sigma, misfit=misfit)
    raise KeyError(name)
