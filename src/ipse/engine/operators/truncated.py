"""E[n | a ≤ n ≤ b] = σ (φ(a/σ) − φ(b/σ)) / (Φ(b/σ) − Φ(a/σ)) for n ~ N(0, σ²): a truncated normal."""

import torch
from torch import Tensor

FAR = 8.0  # in σ; beyond it, the probability is 0 in float32


def truncated_mean(low: Tensor, high: Tensor, sigma: float | Tensor) -> Tensor:
    """The mean of N(0, sigma²) between two bounds; the nearer bound if the interval is too far out."""
    low, high = low / sigma, high / sigma
    normal = torch.distributions.Normal(0.0, 1.0)
    inside = (low < FAR) & (high > -FAR)
    a, b = low.clamp(-FAR, FAR), high.clamp(-FAR, FAR)
    upper = a > 0  # Φ is exact near 0 only, so the upper tail is computed as a lower one
    share = torch.where(upper, normal.cdf(-a) - normal.cdf(-b), normal.cdf(b) - normal.cdf(a))
    density = torch.exp(normal.log_prob(a)) - torch.exp(normal.log_prob(b))
    nearer = torch.where(low > 0, low, torch.where(high < 0, high, 0.0))
    mean = density / share.clamp_min(1e-30)
    return sigma * torch.where(inside & (share > 1e-12), mean.clamp(a, b), nearer)
