"""T y: variance stabilisation, which turns noise of any kind into white noise of one level.

    gaussian    T y = y                                        σ
    poisson     T y = 2/g √(g y + ⅜ g² + σ²)                   1      (generalised Anscombe)
    speckle     T y = log(y + c)                               s      (n multiplies x)

The inverse of the Anscombe transform is the exact unbiased one in closed form (Mäkitalo and Foi, "Optimal inversion of
the generalized Anscombe transformation", 2013, https://doi.org/10.1109/TIP.2012.2202675). Results are rescaled to
[0, 1].
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
from ipse.noise.squares import squares
from ipse.tasks import _camera

LOUDEST = 1.0  # largest relative standard deviation of speckle
TRACE = 1e-7  # gains and levels up to this are rounding errors of single precision
# Smallest σ of correlated noise that is grain. Clean photographs have up to 6.2 of 255 (McMaster 2); grain of σ = 6 on
# six crops of scikit-image and Kodak is found as 6.9 to 11.6.
GRAIN = 6.5 / 255
HEADROOM = 5.0  # room below the values of a picture that was clipped at its largest value only, in σ
DARK = 0.02  # c, which keeps the logarithm from amplifying noise in black areas


@dataclass(frozen=True)
class Whitened:
    """A picture whose noise is white and Gaussian."""

    y: Tensor  #: the stabilised picture (1, C, H, W)
    sigma: float  #: standard deviation of the noise, in units of y
    undo: Callable[[Tensor], Tensor]  #: maps a denoised picture back to [0, 1]
    levels: Tensor | None = None  #: σ of each channel (1, C, 1, 1), if the channels differ
    clipped: bool = False  #: the noisy picture was clipped to [0, 1], in units of y


def find(y: Tensor, kind: str | Noise, sigma: float | None, *, fine: bool, grain: bool = True) -> Noise:
    """Return the noise: what the user gave, completed by estimates.

    Tiles get the noise of the whole picture as ``kind``.
    ``fine`` means samples of more than 8 bits; only the part of their range that they use is analysed.
    ``grain`` means to look for film grain if there is no white noise.
    """
    if isinstance(kind, Noise):
        return kind
    within = span(y) if fine else WHOLE
    told = None if sigma is None else sigma / (within[1] - within[0])
    found = replace(_find(stretched(y, within), kind, told, grain=grain), within=within)
    # Impulses lie outside the range that the other pixels use, so the full range has to be analysed.
    impulses_in_span = found.kind == "salt-and-pepper" and within != WHOLE
    return _find(y, kind, sigma, grain=grain) if impulses_in_span else found


def _find(y: Tensor, kind: str, sigma: float | None, *, grain: bool) -> Noise:
    if kind == "auto" and sigma is None:
        found = estimate(y)
        return _or_grain(y, found) if grain else found
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


def _or_grain(y: Tensor, found: Noise) -> Noise:
    """Correlated noise, such as film grain, which estimators of white noise do not confirm; else ``found``."""
    if found.kind != "none":
        return found
    measured = _camera.noise_of(_camera.middle(y))  # the whole would take longer than all other estimates
    if measured is None or max(measured.sigma) < GRAIN:
        return found
    level = correlated(squares(y), told=True)
    return found if level is None else Noise("correlated", level[0], correlation=level[1])


def _photons(y: Tensor) -> Noise:
    """Photon noise that is known to be present: by counting photons, by the general estimate, or from the variance."""
    found = estimate(y)
    return found if found.kind == "poisson" else _some("poisson", counts(y, told=True) or photon_gain(y))


def _some(kind: Literal["poisson", "speckle"], gain: float) -> Noise:
    """Noise that grows with brightness; none if the gain is negligible."""
    return Noise(kind, 0.0, gain=gain) if gain > TRACE else Noise("none", 0.0)


def whiten(y: Tensor, noise: Noise) -> Whitened:
    """Stabilise the noise of y (1, C, H, W) in [0, 1]."""
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
    """The generalised Anscombe transform and its unbiased inverse, for counts λ = x/g with read-out noise s = σ/g."""
    s2 = (sigma / gain) ** 2

    def undo(t: Tensor) -> Tensor:
        t = t.clamp_min(2 * sqrt(3 / 8 + s2))
        series = t**2 / 4 + sqrt(3 / 2) / (4 * t) - 11 / (8 * t**2) + 5 * sqrt(3 / 2) / (8 * t**3)
        return gain * (series - 1 / 8 - s2)

    return 2 * (y / gain + 3 / 8 + s2).clamp_min(0).sqrt(), undo


def _logarithm(y: Tensor, gain: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The logarithm and its unbiased inverse: E log(y + c) ≈ log(x + c) − ½ (s x / (x + c))²."""

    def undo(t: Tensor) -> Tensor:
        x = (t.exp() - DARK).clamp_min(0)
        return (t + (gain * x / (x + DARK)) ** 2 / 2).exp() - DARK

    return (y + DARK).log(), undo


def _rescaled(y: Tensor, t: Tensor, undo: Callable[[Tensor], Tensor], *, sigma: float) -> Whitened:
    """Rescale t to [0, 1], the range of the priors; with headroom at 0 if y was clipped at its largest value only."""
    cut = float(y.max()) == 1
    low, high = float(t.min()) - HEADROOM * sigma * cut, float(t.max())
    scale = max(high - low, 1e-6)
    return Whitened(
        (t - low) / scale, sigma / scale, lambda x: undo(x * scale + low).clamp(0, 1), clipped=cut
    )
