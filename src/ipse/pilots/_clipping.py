"""y = min(max(x + n, 0), 1): what clipping does to a mean, undone.

With n ~ N(0, σ²), E max(x + n, 0) = σ g(x/σ), g(t) = t Φ(t) + φ(t); a denoised picture m estimates that, so
x = σ g⁻¹(m/σ), and the same from above. White paper under σ = 25/255 comes back white, not at 0.96.

Foi, "Clipped noisy images: heteroskedastic modeling and practical denoising", 2009:
https://doi.org/10.1016/j.sigpro.2009.04.035
"""

import math

import torch
from torch import Tensor

REACH = 4.0  # of g⁻¹'s table: farther than 4 σ from the edge clipping does nothing
KNOTS = 1025


def unclip(m: Tensor, sigma: Tensor) -> Tensor:
    """Return the x whose clipped noisy picture has the mean m (…, H, W) in [0, 1].

    Args:
        m: a denoised picture.
        sigma: standard deviation of the noise before clipping, positive, of a shape that broadcasts with m.
    """
    sigma = sigma.clamp(min=1e-6)
    lower = sigma * _inverse(m / sigma)
    upper = 1 - sigma * _inverse((1 - m) / sigma)
    return torch.where(m < 0.5, lower, upper)


def _inverse(u: Tensor) -> Tensor:
    """g⁻¹(u) for u ≥ g(0), 0 below, u itself beyond the table."""
    t = torch.linspace(0, REACH, KNOTS, dtype=u.dtype, device=u.device)
    g = t * (1 + torch.erf(t / math.sqrt(2))) / 2 + torch.exp(-t * t / 2) / math.sqrt(2 * math.pi)
    inside = u.clamp(g[0], g[-1])
    right = torch.searchsorted(g, inside.contiguous()).clamp(1, KNOTS - 1)
    share = (inside - g[right - 1]) / (g[right] - g[right - 1])
    return torch.where(u > g[-1], u, t[right - 1] + share * (t[right] - t[right - 1]))
