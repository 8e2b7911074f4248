"""Noise estimation: the kind and level of n in y = x + n, from the picture alone. One estimator per file."""

from ipse.noise.by_brightness import photon_gain, speckle_gain
from ipse.noise.correlated import correlated
from ipse.noise.counts import counts
from ipse.noise.estimate import NOTHING, Kind, Noise, beside, estimate, gaussian, is_clipped, root_mean_square
from ipse.noise.impulses import impulses
from ipse.noise.span import WHOLE, Span, put_back, span, stretched
from ipse.noise.white import is_tiny, levels, white

__all__ = [
    "NOTHING",
    "WHOLE",
    "Kind",
    "Noise",
    "Span",
    "beside",
    "correlated",
    "counts",
    "estimate",
    "gaussian",
    "impulses",
    "is_clipped",
    "is_tiny",
    "levels",
    "photon_gain",
    "put_back",
    "root_mean_square",
    "span",
    "speckle_gain",
    "stretched",
    "white",
]
