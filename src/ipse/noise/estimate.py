"""Which kind of noise a picture has: impulses first, for they upset all else; then white noise, and how it grows
with brightness; then noise that is too correlated to be seen as white."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ipse.noise.by_brightness import growth
from ipse.noise.correlated import correlated
from ipse.noise.impulses import filled, impulses
from ipse.noise.squares import squares
from ipse.noise.white import white

Kind = Literal["none", "gaussian", "poisson", "speckle", "salt-and-pepper", "correlated"]

NOTHING = 1 / 255  # σ below which there is nothing that a viewer would call noise
FAINT = 3 / 255  # σ below which texture outweighs how the noise grows
FEWEST = 0.002  # share of the pixels that impulses must hit


@dataclass(frozen=True)
class Noise:
    """What was found. Units of the picture, [0, 1]."""

    kind: Kind
    sigma: (
        float  #: standard deviation of the constant part: of all of it where the kind is gaussian, correlated
    )
    gain: float = 0.0  #: poisson: variance per brightness; speckle: relative standard deviation
    fraction: float = 0.0  #: salt and pepper: share of the pixels
    correlation: float = 1.0  #: σ at half resolution, in that of white noise

    @property
    def said(self) -> str:
        """One sentence for the user."""
        level = f"σ = {255 * self.sigma:.1f} of 255"
        match self.kind:
            case "none":
                return f"no noise to speak of ({level})"
            case "gaussian":
                return f"Gaussian noise, {level}"
            case "poisson":
                return f"photon noise: variance {self.gain:.2g} · brightness, and {level}"
            case "speckle":
                return f"speckle: {100 * self.gain:.0f} % of the brightness"
            case "salt-and-pepper":
                hit = f"salt and pepper on {100 * self.fraction:.1f} % of the pixels"
                return f"{hit}, and Gaussian noise, {level}" if self.sigma >= NOTHING else hit
            case "correlated":
                return f"camera noise, correlated over several pixels, {level}"


def estimate(y: Tensor) -> Noise:
    """Find the noise of a picture y (1, C, H, W) in [0, 1]; of a large one, from squares spread over it."""
    y = squares(y)
    hit = impulses(y)
    fraction = float(hit.float().mean())
    if fraction > FEWEST:
        return Noise("salt-and-pepper", beside(y, hit), fraction=fraction)
    sigma = white(y)
    if sigma >= NOTHING:
        grown = growth(y) if sigma > FAINT else None
        if grown is None:
            return Noise("gaussian", sigma)
        kind, gain, floor = grown
        return Noise(kind, floor, gain=gain)
    found = correlated(y)
    if found is None:
        return Noise("none", sigma)
    return Noise("correlated", found[0], correlation=found[1])


def beside(y: Tensor, hit: Tensor) -> float:
    """σ of the noise of those pixels of y (1, C, H, W) that impulses (1, 1, H, W) did not hit; 0 where it is faint.

    The surroundings that take their place have hardly any noise: measured, σ falls by about the share that was hit.
    """
    sigma = white(filled(y, hit)) / max(1 - float(hit.float().mean()), 0.1)
    return sigma if sigma >= FAINT else 0.0
