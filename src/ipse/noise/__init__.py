"""y = x + n: how strong n is and of what kind, read off the picture alone. One way of reading a file."""

from ipse.noise.by_brightness import speckle_gain
from ipse.noise.correlated import correlated
from ipse.noise.estimate import NOTHING, Kind, Noise, beside, estimate, gaussian
from ipse.noise.impulses import impulses
from ipse.noise.white import levels, white

__all__ = [
    "NOTHING",
    "Kind",
    "Noise",
    "beside",
    "correlated",
    "estimate",
    "gaussian",
    "impulses",
    "levels",
    "speckle_gain",
    "white",
]
