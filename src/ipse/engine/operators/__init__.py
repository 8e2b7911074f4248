"""Operators A: picture → measurement, one per file. Any other callable works as well."""

from ipse.engine.operators.blur import Blur
from ipse.engine.operators.downsample import Downsample
from ipse.engine.operators.features import Features
from ipse.engine.operators.identity import Identity
from ipse.engine.operators.learnt_downsample import LearntDownsample
from ipse.engine.operators.mask import Mask
from ipse.engine.operators.operator import Compose, Operator, adjoint
from ipse.engine.operators.radon import Radon

__all__ = [
    "Blur",
    "Compose",
    "Downsample",
    "Features",
    "Identity",
    "LearntDownsample",
    "Mask",
    "Operator",
    "Radon",
    "adjoint",
]
