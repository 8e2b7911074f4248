"""Stationary Gaussian noise by its autocovariance r_cd(Δ) = E n_c(p) n_d(p + Δ): (C, C, 2·lag + 1, 2·lag + 1)."""

import torch
from torch import Tensor

from ipse.pilots._patches import patches

FLOOR = 1e-3  # smallest eigenvalue of a patch covariance relative to the largest, so that it can be inverted
LEAST = 1e-9  # smallest eigenvalue, for pictures without noise
FIELD = 256  # side of a simulated field, in pixels


def patch_covariance(r: Tensor, sides: tuple[int, int]) -> Tensor:
    """E n nᵀ (C·h·w, C·h·w) of patches of h × w pixels, in the order of `patches`."""
    channels, lag, (h, w) = len(r), r.shape[-1] // 2, sides
    ys, xs = (place.flatten() for place in torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"))
    dy, dx = ys - ys[:, None], xs - xs[:, None]
    near = (dy.abs() <= lag) & (dx.abs() <= lag)
    pairs = r.double().cpu()[:, :, dy.clamp(-lag, lag) + lag, dx.clamp(-lag, lag) + lag] * near
    order = patches(torch.arange(channels * h * w, dtype=torch.float64).view(channels, h, w), sides)[0].long()
    raw = pairs.permute(0, 2, 1, 3).reshape(channels * h * w, -1)[order][:, order]
    values, vectors = torch.linalg.eigh((raw + raw.T) / 2)
    values = values.clamp_min(max(FLOOR * float(values.max()), LEAST))
    return ((vectors * values) @ vectors.T).to(r)


def drawn(r: Tensor, generator: torch.Generator) -> Tensor:
    """A field (C, FIELD, FIELD) of such noise, periodic."""
    lag = r.shape[-1] // 2
    place = torch.arange(-lag, lag + 1) % FIELD
    wrapped = torch.zeros(*r.shape[:2], FIELD, FIELD)
    wrapped[:, :, place[:, None], place] = r.cpu()
    density = torch.fft.fft2(wrapped).permute(2, 3, 0, 1)
    values, vectors = torch.linalg.eigh((density + density.mH) / 2)
    root = vectors * values.clamp_min(0).sqrt()[..., None, :]
    white = torch.fft.fft2(torch.randn(len(r), FIELD, FIELD, generator=generator)).permute(1, 2, 0)
    field = (root @ (vectors.mH @ white[..., None].to(root))).squeeze(-1).permute(2, 0, 1)
    return torch.fft.ifft2(field).real.to(r)


def autocovariance(n: Tensor, lag: int) -> Tensor:
    """r of a field (C, H, W) of mean 0, up to a lag."""
    height, width = n.shape[-2:]
    r = n.new_zeros(len(n), len(n), 2 * lag + 1, 2 * lag + 1)
    for dy in range(-lag, lag + 1):
        for dx in range(-lag, lag + 1):
            here = n[:, max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
            there = n[:, max(0, dy) : height - max(0, -dy), max(0, dx) : width - max(0, -dx)]
            r[:, :, dy + lag, dx + lag] = torch.einsum("chw,dhw->cd", here, there) / here[0].numel()
    return r
