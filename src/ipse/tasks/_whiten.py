"""T y: noise of any kind made white, of one level, so that one method serves all.

    gaussian    T y = y                                        σ
    poisson     T y = 2/g √(g y + ⅜ g² + σ²)                   1      (generalised Anscombe)
    speckle     T y = log(y + c)                               s      (n multiplies x)

The inverse of Anscombe's root is the exact unbiased one in closed form (Mäkitalo and Foi, "Optimal inversion of the
generalized Anscombe transformation", 2013, https://doi.org/10.1109/TIP.2012.2202675). Results are
rescaled to [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from torch import Tensor

from ipse.noise import (
    Noise,
    beside,
    correlated,
    estimate,
    gaussian,
    impulses,
    speckle_gain,
    white,
)

DARK = 0.02  # c: below it a logarithm would make the noise of black large


@dataclass(frozen=True)
class Whitened:
    """A picture whose noise is white and Gaussian."""

    y: Tensor  #: (1, C, H, W)
    sigma: float  #: of its noise, in its units
    undo: Callable[[Tensor], Tensor]  #: of a denoised picture, back to [0, 1]
    levels: Tensor | None = None  #: its noise, a channel each (1, C, 1, 1), where they differ
    clipped: bool = False  #: the noisy picture was clipped to [0, 1], in these units


def find(y: Tensor, kind: str, sigma: float | None) -> Noise:
    """What the user told of the noise, completed by what the picture tells."""
    if kind == "auto" and sigma is None:
        return estimate(y)
    bright = max(float(y.mean()), 1e-3)
    match kind:
        case "poisson":
            found = estimate(y) if sigma is None else None
            flat = (white(y) if sigma is None else sigma) ** 2 / bright
            return found if found is not None and found.kind == kind else Noise("poisson", 0.0, gain=flat)
        case "speckle":
            return Noise("speckle", 0.0, gain=speckle_gain(y) if sigma is None else sigma / bright)
        case "correlated":
            found = correlated(y, told=True) if sigma is None else None
            level = sigma if sigma is not None else found[0] if found else 2 * white(y)
            return Noise("correlated", level)
        case "salt-and-pepper":
            hit = impulses(y, told=True)
            level = beside(y, hit) if sigma is None else sigma
            return Noise("salt-and-pepper", level, fraction=float(hit.float().mean()))
        case _:
            return gaussian(y) if sigma is None else Noise("gaussian", sigma)


def whiten(y: Tensor, noise: Noise) -> Whitened:
    """Make the noise of y (1, C, H, W) in [0, 1] white."""
    match noise.kind:
        case "poisson":
            return _rescaled(*_anscombe(y, noise.gain, noise.sigma), sigma=1.0)
        case "speckle":
            return _rescaled(
                (y + DARK).log(), lambda t: (t + noise.gain**2 / 2).exp() - DARK, sigma=noise.gain
            )
        case _:
            return Whitened(
                y,
                noise.sigma,
                lambda x: x.clamp(0, 1),
                levels=y.new_tensor(noise.levels)[None, :, None, None] if noise.levels else None,
                clipped=bool((y <= 0).any() or (y >= 1).any()),
            )


def _anscombe(y: Tensor, gain: float, sigma: float) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The root, and its unbiased inverse: of photon counts λ = x/g with read-out noise s = σ/g."""
    s2 = (sigma / gain) ** 2

    def undo(t: Tensor) -> Tensor:
        t = t.clamp_min(2 * sqrt(3 / 8 + s2))
        series = t**2 / 4 + sqrt(3 / 2) / (4 * t) - 11 / (8 * t**2) + 5 * sqrt(3 / 2) / (8 * t**3)
        return gain * (series - 1 / 8 - s2)

    return 2 * (y / gain + 3 / 8 + s2).clamp_min(0).sqrt(), undo


def _rescaled(t: Tensor, undo: Callable[[Tensor], Tensor], *, sigma: float) -> Whitened:
    """The same in [0, 1], where the priors are at home."""
    low, high = float(t.min()), float(t.max())
    scale = max(high - low, 1e-6)
    return Whitened((t - low) / scale, sigma / scale, lambda x: undo(x * scale + low).clamp(0, 1))
