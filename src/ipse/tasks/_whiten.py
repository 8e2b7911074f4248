"""T y: noise of any kind made white, of one level, so that one method serves all.

    gaussian    T y = y                                        σ
    poisson     T y = 2/g √(g y + ⅜ g² + σ²)                   1      (generalised Anscombe)
    speckle     T y = log(y + c)                               s      (n multiplies x)

The inverse of Anscombe's root is the exact unbiased one in closed form (Mäkitalo and Foi, "Optimal inversion of the
generalized Anscombe transformation", 2013, https://doi.org/10.1109/TIP.2012.2202675). Results are
rescaled to [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

from torch import Tensor

from ipse.noise import (
    WHOLE,
    Noise,
    beside,
    correlated,
    counts,
    estimate,
    gaussian,
    impulses,
    is_clipped,
    is_tiny,
    levels,
    photon_gain,
    span,
    speckle_gain,
    stretched,
    white,
)

LOUDEST = 1.0  # speckle: a deviation as large as the picture itself
TRACE = 1e-7  # of a gain, or a level: what single precision leaves of none
HEADROOM = 5.0  # σ
DARK = 0.02  # c: below it a logarithm would make the noise of black large


@dataclass(frozen=True)
class Whitened:
    """A picture whose noise is white and Gaussian."""

    y: Tensor  #: (1, C, H, W)
    sigma: float  #: of its noise, in its units
    undo: Callable[[Tensor], Tensor]  #: of a denoised picture, back to [0, 1]
    levels: Tensor | None = None  #: its noise, a channel each (1, C, 1, 1), where they differ
    clipped: bool = False  #: the noisy picture was clipped to [0, 1], in these units


def find(y: Tensor, kind: str | Noise, sigma: float | None, *, fine: bool) -> Noise:
    """What the user told of the noise, completed by what the picture tells; a tile knows it from the whole.

    Samples of more than 8 bits are ``fine``: what they use of their range is looked at alone.
    """
    if isinstance(kind, Noise):
        return kind
    within = span(y) if fine else WHOLE
    told = None if sigma is None else sigma / (within[1] - within[0])
    found = replace(_find(stretched(y, within), kind, told), within=within)
    # Pixels that were hit lie beyond the others' range: the whole of it is theirs.
    return _find(y, kind, sigma) if found.kind == "salt-and-pepper" and within != WHOLE else found


def _find(y: Tensor, kind: str, sigma: float | None) -> Noise:
    if kind == "auto" and sigma is None:
        return estimate(y)
    bright = max(float(y.mean()), 1e-3)
    match kind:
        case "poisson":
            return _photons(y) if sigma is None else _some("poisson", sigma**2 / bright)
        case "speckle":
            return _some("speckle", speckle_gain(y) if sigma is None else min(sigma / bright, LOUDEST))
        case "correlated":
            found = correlated(y, told=True) if sigma is None else None
            level = sigma if sigma is not None else found[0] if found else 2 * white(y)
            return Noise("correlated", level)
        case "salt-and-pepper":
            hit = impulses(y, told=True)
            level = beside(y, hit) if sigma is None else sigma
            return Noise("salt-and-pepper", level, fraction=float(hit.float().mean()))
        case _:
            found = gaussian(y, levels(y)) if sigma is None else Noise("gaussian", sigma)
            return found if found.sigma > TRACE else Noise("none", 0.0, tiny=is_tiny(y))


def _photons(y: Tensor) -> Noise:
    """Photon noise that is known to be there: counted, seen, or as the variance has it."""
    found = estimate(y)
    return found if found.kind == "poisson" else _some("poisson", counts(y, told=True) or photon_gain(y))


def _some(kind: Literal["poisson", "speckle"], gain: float) -> Noise:
    """Noise that grows with brightness; none where it hardly does."""
    return Noise(kind, 0.0, gain=gain) if gain > TRACE else Noise("none", 0.0)


def whiten(y: Tensor, noise: Noise) -> Whitened:
    """Make the noise of y (1, C, H, W) in [0, 1] white."""
    match noise.kind:
        case "poisson":
            return _rescaled(y, *_anscombe(y, noise.gain, noise.sigma), sigma=1.0)
        case "speckle":
            return _rescaled(y, *_logarithm(y, noise.gain), sigma=noise.gain)
        case _:
            return Whitened(
                y,
                noise.sigma,
                lambda x: x.clamp(0, 1),
                levels=y.new_tensor(noise.levels)[None, :, None, None] if noise.levels else None,
                clipped=is_clipped(y),
            )


def _anscombe(y: Tensor, gain: float, sigma: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The root, and its unbiased inverse: of photon counts λ = x/g with read-out noise s = σ/g."""
    s2 = (sigma / gain) ** 2

    def undo(t: Tensor) -> Tensor:
        t = t.clamp_min(2 * sqrt(3 / 8 + s2))
        series = t**2 / 4 + sqrt(3 / 2) / (4 * t) - 11 / (8 * t**2) + 5 * sqrt(3 / 2) / (8 * t**3)
        return gain * (series - 1 / 8 - s2)

    return 2 * (y / gain + 3 / 8 + s2).clamp_min(0).sqrt(), undo


def _logarithm(y: Tensor, gain: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The logarithm, and its inverse without the bias: E log(y + c) ≈ log(x + c) − ½ (s x / (x + c))²."""

    def undo(t: Tensor) -> Tensor:
        x = (t.exp() - DARK).clamp_min(0)
        return (t + (gain * x / (x + DARK)) ** 2 / 2).exp() - DARK

    return (y + DARK).log(), undo


def _rescaled(y: Tensor, t: Tensor, undo: Callable[[Tensor], Tensor], *, sigma: float) -> Whitened:
    """The same in [0, 1], where the priors are at home; far from 0 where y was cut off at its largest value alone."""
    cut = float(y.max()) == 1
    low, high = float(t.min()) - HEADROOM * sigma * cut, float(t.max())
    scale = max(high - low, 1e-6)
    return Whitened(
        (t - low) / scale, sigma / scale, lambda x: undo(x * scale + low).clamp(0, 1), clipped=cut
    )
