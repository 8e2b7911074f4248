"""y = x + n: how strong n is and of what kind, read off the picture alone. One way of reading a file."""

from ipse.noise.by_brightness import speckle_gain
from ipse.noise.correlated import correlated
from ipse.noise.estimate import Kind, Noise, estimate
from ipse.noise.impulses import impulses
from ipse.noise.white import white

__all__ = ["Kind", "Noise", "correlated", "estimate", "impulses", "speckle_gain", "white"]
