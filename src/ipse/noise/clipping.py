"""y = min(max(x + n, 0), 1), n ~ N(0, σ²): the effect of clipping on the mean and the noise of a picture.

    A(x) = E y = σ g(x/σ) − σ g((x − 1)/σ),     g(t) = t Φ(t) + φ(t)
    s(σ)² = Var y at x = ½ = σ² (2 Φ(a) − 1 − 2 a φ(a)) + ½ (1 − Φ(a)),     a = 1 / 2σ

A denoised picture estimates A(x): for white paper with σ = 25/255 it is 0.96, and A⁻¹ makes it white again. The noise
in y, as seen by denoisers and estimators, is s(σ): 82 of 255 for σ = 100.

Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", 2009:
https://doi.org/10.1016/j.sigpro.2009.04.035
"""

import math

import torch
from torch import Tensor
from torch.special import ndtr

NEWTON = 5  # Newton steps; starting from the middle, the error is 10⁻⁵ for any σ
LOUDEST = 2.0  # largest σ for the inverse of s, at which s is 0.47 of the possible 0.5
HALVINGS = 40  # bisection steps in [0, LOUDEST]
LEAST = 1e-6  # smallest σ


def mean(x: Tensor, sigma: float | Tensor) -> Tensor:
    """A(x), of any shape; σ is a number, or broadcasts with it."""
    sigma = torch.as_tensor(sigma, dtype=x.dtype, device=x.device).clamp(min=LEAST)
    return sigma * (_ramp(x / sigma) - _ramp((x - 1) / sigma))


def unclip(m: Tensor, sigma: float | Tensor) -> Tensor:
    """A⁻¹(m): the x in [0, 1] whose clipped noisy picture has the mean m, of any shape.

    Args:
        m: a denoised picture; values that are not the mean of any x in [0, 1] become 0 or 1.
        sigma: standard deviation of the noise before clipping; a number, or a tensor that broadcasts with m.
    """
    sigma = torch.as_tensor(sigma, dtype=m.dtype, device=m.device).clamp(min=LEAST)
    ends = mean(m.new_tensor(0.0), sigma)
    m = torch.minimum(torch.maximum(m, ends), 1 - ends)
    x = torch.full_like(m, 0.5)  # from the middle, the curvature of A keeps Newton steps from overshooting
    for _ in range(NEWTON):
        slope = ndtr(x / sigma) - ndtr((x - 1) / sigma)
        x = x - (mean(x, sigma) - m) / slope
    return x.clamp(0, 1)


def stored(sigma: Tensor) -> Tensor:
    """s(σ): standard deviation of the noise, of any shape, once it has been clipped."""
    a = 0.5 / sigma.clamp(min=LEAST)
    inside = 2 * ndtr(a) - 1 - 2 * a * torch.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    return (sigma**2 * inside + (1 - ndtr(a)) / 2).sqrt()


def before(seen: float) -> float:
    """s⁻¹: standard deviation of the noise before clipping, from that of the stored noise."""
    low, high = 0.0, LOUDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(stored(torch.tensor(middle).double())) < seen else (low, middle)
    return high


def _ramp(t: Tensor) -> Tensor:
    """g(t) = E max(t + n, 0), n ~ N(0, 1)."""
    return t * ndtr(t) + torch.exp(-t * t / 2) / math.sqrt(2 * math.pi)
