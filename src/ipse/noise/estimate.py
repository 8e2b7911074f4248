"""Which kind of noise a picture has: impulses first, for they upset all else; then white noise, and how it grows
with brightness; then noise that is too correlated to be seen as white."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ipse.noise.by_brightness import CLEAR, FALL, growth, one_law
from ipse.noise.clipping import before
from ipse.noise.correlated import correlated
from ipse.noise.counts import counts
from ipse.noise.impulses import filled, impulses
from ipse.noise.span import WHOLE, Span
from ipse.noise.squares import squares
from ipse.noise.white import is_tiny, levels, white

Kind = Literal["none", "gaussian", "poisson", "speckle", "salt-and-pepper", "correlated"]

NOTHING = 1 / 255  # σ below which there is nothing that a viewer would call noise
FAINT = 3 / 255  # σ below which texture may outweigh how the noise grows
UNEQUAL = 1.25  # times as loud is the loudest channel; equal noise on skimage's photographs stays below
TINY = "too few pixels to tell noise from picture: tell its level by sigma"
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
    levels: tuple[float, ...] = ()  #: gaussian: σ of each channel, where they differ
    tiny: bool = False  #: none: there were too few pixels to tell
    within: Span = WHOLE  #: the part of [0, 1] that all these are in units of

    @property
    def in_picture(self) -> tuple[float, ...]:
        """σ, or that of each channel, in units of the whole picture."""
        return tuple((self.within[1] - self.within[0]) * sigma for sigma in self.levels or (self.sigma,))

    @property
    def said(self) -> str:
        """One sentence for the user."""
        level = f"σ = {', '.join(_said(255 * sigma) for sigma in self.in_picture)} of 255"
        match self.kind:
            case "none":
                return TINY if self.tiny else f"no noise to speak of ({level})"
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


def _said(level: float) -> str:
    return f"{level:.1f}" if level >= 1 or level == 0 else f"{level:.2g}"


def estimate(y: Tensor) -> Noise:
    """Find the noise of a picture y (1, C, H, W) in [0, 1]; of a large one, from squares spread over it."""
    y = squares(y)
    photons = counts(y)
    if photons is not None:
        return Noise("poisson", 0.0, gain=photons)
    hit = impulses(y)
    fraction = float(hit.float().mean())
    if fraction > FEWEST:
        return Noise("salt-and-pepper", beside(y, hit), fraction=fraction)
    each = tuple(levels(y))
    sigma = root_mean_square(each)
    if sigma >= NOTHING:
        grown = growth(y, fall=FALL if sigma > FAINT else CLEAR)
        if grown is None or (unequal(each) and not one_law(y, grown, each)):
            return gaussian(y, each)
        kind, gain, floor = grown
        return Noise(kind, floor, gain=gain)
    found = correlated(y)
    if found is None:
        return Noise("none", sigma, tiny=is_tiny(y))
    return Noise("correlated", found[0], correlation=found[1])


def gaussian(y: Tensor, seen: Sequence[float]) -> Noise:
    """Gaussian noise of a picture (1, C, H, W) whose channels have those levels: what it was before it was clipped."""
    each = tuple(map(before, seen)) if is_clipped(y) else tuple(seen)
    return Noise("gaussian", root_mean_square(each), levels=each if unequal(each) else ())


def is_clipped(y: Tensor) -> bool:
    """Whether a picture was cut off at 0 or at 1, and has nothing beyond."""
    low, high = float(y.min()), float(y.max())
    return (low == 0 or high == 1) and low >= 0 and high <= 1


def unequal(each: tuple[float, ...]) -> bool:
    """Whether the channels' levels differ by more than an estimate of equal ones does."""
    return max(each) > UNEQUAL * min(each)


def root_mean_square(each: Sequence[float]) -> float:
    """The level of a picture whose channels have those."""
    return (sum(sigma**2 for sigma in each) / len(each)) ** 0.5


def beside(y: Tensor, hit: Tensor) -> float:
    """σ of the noise of those pixels of y (1, C, H, W) that impulses (1, 1, H, W) did not hit; 0 where it is faint.

    The surroundings that take their place have hardly any noise: measured, σ falls by about the share that was hit.
    """
    sigma = white(filled(y, hit)) / max(1 - float(hit.float().mean()), 0.1)
    return sigma if sigma >= FAINT else 0.0
