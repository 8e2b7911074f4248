"""Correlated noise, coarse to fine: x₂ = D₂(A y),  z = y + U(x₂ − A y),  x = D(z), with A y the means of 2 × 2 pixels.

Lower frequencies are taken from the estimate at half the size, so that z contains only the noise of the finest octave;
the autocovariance of that noise is measured on a simulated field that is processed in the same way. D is non-local
Bayes with the full covariance of the noise in a patch (``_coloured``). A little noise is added to the picture in which
similar patches are sought; otherwise groups in flat regions would consist of patches with the same noise.

Lebrun, Colom and Morel, "Multiscale image blind denoising", 2015, https://doi.org/10.1109/TIP.2015.2439041
"""

from collections import deque
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from ipse.pilots._channels import decorrelate, matrix, recorrelate
from ipse.pilots._coloured import blind, guided
from ipse.pilots._patches import References, patches, put_back, put_back_equal, similar
from ipse.pilots._pieces import Part, Piece, mapped, pieces
from ipse.pilots._stationary import autocovariance, drawn, patch_covariance
from ipse.pilots._steps import Step, millions

LEAST = 48  # smallest side in pixels that is halved
OCTAVES = 2  # number of halvings
BLUR = 0.025  # fraction of the noise energy of a patch that is added before similar patches are sought
CROWD = 20  # pixels per patch of a group: small pictures have small groups
LOUDER = (
    1.3  # factor on the variance: noise in texture is stronger than in flat regions, where it is measured
)


Preset = Literal["fast", "good", "best"]
#: the first step has no guide and takes one channel at a time; later ones take all channels together
FIRST, SECOND = Step(5, 160, 4, cost=20.0), Step(5, 160, 4, window=49, cost=19.0)
THIRD = Step(5, 160, 3, window=49, cost=30.0)
PRESETS: dict[Preset, tuple[Step, ...]] = {
    "fast": (Step(5, 100, 5, window=31, cost=12.0), Step(5, 100, 5, cost=9.1)),
    "good": (FIRST, SECOND, SECOND),
    "best": (FIRST, Step(7, 240, 4, window=49, cost=60.0), THIRD, THIRD),
}


@torch.no_grad()
def stationary_steps(y: Tensor, r: Tensor, *, preset: Preset = "good") -> Iterator[Tensor]:
    """Denoise y = x + n, n Gaussian and stationary; yield all estimates; the last is the best.

    Args:
        y: a noisy picture (1, C, H, W).
        r: the autocovariance of its noise (C, C, 2·lag + 1, 2·lag + 1), lag at most 8.
        preset: number and density of the steps in each octave.

    Yields:
        Estimates (1, C, H, W).
    """
    mix = matrix(y.shape[1], like=y)
    mixed = torch.einsum("ic,cdhw,jd->ijhw", mix, r.to(y), mix)
    for x in _octave(decorrelate(y[0]), LOUDER * mixed, PRESETS[preset], OCTAVES):
        yield recorrelate(x)[None]


def stationary(y: Tensor, r: Tensor, *, preset: Preset = "good") -> Tensor:
    """The last estimate of `stationary_steps`."""
    return deque(stationary_steps(y, r, preset=preset), maxlen=1)[0]


def stationary_cost(preset: Preset, y: Tensor) -> float:
    """The work of all steps for a picture (1, C, H, W)."""
    octaves, side = 0, min(y.shape[-2:])
    while octaves < OCTAVES and side >= LEAST:
        octaves, side = octaves + 1, (side + 1) // 2
    return sum(step.cost for step in PRESETS[preset]) * millions(y) * sum(4.0**-k for k in range(octaves + 1))


def _octave(y: Tensor, r: Tensor, steps: tuple[Step, ...], octaves: int) -> Iterator[Tensor]:
    """Denoise decorrelated channels (C, H, W), first at half the size."""
    size, z = (y.shape[1], y.shape[2]), y
    if octaves and min(size) >= LEAST:
        field, lag = drawn(r, torch.Generator().manual_seed(0)), r.shape[-1] // 2
        half = _halved(y)
        for x in _octave(half, autocovariance(_halved(field), lag), steps, octaves - 1):
            z = y + _doubled(x - half, size)
            yield z
        r = autocovariance(field - _doubled(_halved(field), (field.shape[1], field.shape[2])), lag)
    guide: Tensor | None = None
    for step in steps:
        guide = _step(z, guide, r, step)
        yield guide


def _halved(x: Tensor) -> Tensor:
    even = pad(x[None], (0, x.shape[2] % 2, 0, x.shape[1] % 2), mode="replicate")
    return avg_pool2d(even, 2)[0]


def _doubled(x: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(x[None], scale_factor=2.0, mode="bicubic")[0, :, : size[0], : size[1]]


def _step(noisy: Tensor, guide: Tensor | None, r: Tensor, step: Step) -> Tensor:
    """Estimate (C, H, W) from ``noisy`` with the last estimate as guide; None makes it the first step."""
    size = (noisy.shape[1], noisy.shape[2])
    wanted = References.over(size, step.patch, step.stride)
    count = min(step.count, size[0] * size[1] // CROWD + 10)
    bands = [slice(c, c + 1) for c in range(len(noisy))] if guide is None else [slice(0, len(noisy))]
    N = [patch_covariance(r[band, band], wanted.sides) for band in bands]
    blur = BLUR * wanted.sides[0] * wanted.sides[1] * r[0, 0, r.shape[2] // 2, r.shape[3] // 2].clamp_min(0)
    key = blur.sqrt() * torch.randn(size, generator=torch.Generator().manual_seed(0)).to(noisy)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)

    def estimated(piece: Piece) -> Part:
        here, inside = piece
        with torch.no_grad():  # the setting belongs to each thread
            y, x, keys = noisy[here], None if guide is None else guide[here], key[here[1:]]
            places = (y.shape[1] - inside.sides[0] + 1, y.shape[2] - inside.sides[1] + 1)
            sought = patches((y if x is None else x)[:1], inside.sides)
            sought = torch.cat([sought, keys[: places[0], : places[1]].reshape(-1, 1)], 1)
            found = similar(sought, places, inside, count=count, window=step.window)
            parts = [
                _joined(y[band], None if x is None else x[band], n, found, inside)
                for band, n in zip(bands, N, strict=True)
            ]
        return here, torch.cat([part for part, _ in parts]), torch.cat([trust for _, trust in parts])

    cut, work = pieces(wanted, step, size, None), step.cost * millions(noisy)
    for here, estimate, trust in mapped(estimated, cut, noisy.device.type, work):
        total[here] += estimate
        weight[here] += trust
    return total / weight


def _joined(
    y: Tensor, x: Tensor | None, N: Tensor, found: Tensor, inside: References
) -> tuple[Tensor, Tensor]:
    """Weighted sum of the estimates of all groups (C, H, W), and the sum of weights, the same for each channel."""
    size, sides = (y.shape[1], y.shape[2]), inside.sides
    Y = patches(y, sides)
    X = None if x is None else patches(x, sides)
    total, worth = torch.zeros_like(Y), Y.new_zeros(len(Y))
    for group in found.split(128):
        index = group.flatten()
        noisy = Y[index].view(*group.shape, -1)
        estimate, trust = blind(noisy, N) if X is None else guided(noisy, X[index].view_as(noisy), N)
        total.index_add_(0, index, (estimate * trust[..., None]).flatten(0, 1))
        worth.index_add_(0, index, trust.flatten())
    return put_back(total, size, sides), put_back_equal(worth, size, sides).expand(len(y), -1, -1)
