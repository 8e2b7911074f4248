"""t = 2 √(λ + ⅜): photon noise made Gaussian, σ = 1, and the exact unbiased way back in closed form.

Anscombe 1948, https://doi.org/10.1093/biomet/35.3-4.246; Mäkitalo and Foi 2011, https://doi.org/10.1109/TIP.2010.2056693.
"""

from collections.abc import Callable

import numpy as np

from bench.cases import Array


def root(counts: Array) -> Array:
    """Photon counts to samples whose noise has σ = 1."""
    return 2 * np.sqrt(np.maximum(counts, 0) + 3 / 8)


def inverse(t: Array) -> Array:
    """The mean count λ for which the expectation of the root is t."""
    t = np.maximum(t, 2 * np.sqrt(3 / 8))
    series = t**2 / 4 + np.sqrt(3 / 2) / (4 * t) - 11 / (8 * t**2) + 5 * np.sqrt(3 / 2) / (8 * t**3)
    return np.maximum(series - 1 / 8, 0)


def stabilised(y: Array, peak: float, denoised: Callable[[Array, float], Array]) -> Array:
    """Denoise y (C, H, W), of ``peak`` photons at brightness 1, with a denoiser for white noise on [0, 1]."""
    t = root(peak * y)
    low, span = t.min(), max(t.max() - t.min(), 1e-6)
    return inverse(denoised((t - low) / span, 1 / span) * span + low) / peak
