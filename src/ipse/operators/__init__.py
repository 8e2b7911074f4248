"""Operators A: picture → measurement. One a file; any callable does as well."""

from ipse.operators.blur import Blur
from ipse.operators.compose import Compose
from ipse.operators.downsample import Downsample
from ipse.operators.features import Features
from ipse.operators.identity import Identity
from ipse.operators.learnt_downsample import LearntDownsample
from ipse.operators.mask import Mask
from ipse.operators.operator import Operator, adjoint

__all__ = [
    "Blur",
    "Compose",
    "Downsample",
    "Features",
    "Identity",
    "LearntDownsample",
    "Mask",
    "Operator",
    "adjoint",
]
