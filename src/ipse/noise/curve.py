"""Noise whose level is any curve over brightness, and the tone scale on which it is the same everywhere.

    σ_c(b) = std of n where channel c is b,         T_c(y) = ∫ db / σ_c(b)

It is measured in the quiet blocks of each brightness. If a brightness occurs in texture only, its blocks are too loud
but never too quiet; therefore the curve is smooth and follows the lower values.

The transform: Prucnal and Saleh, "Transformation of image-signal-dependent noise into image-signal-independent noise",
1981, https://doi.org/10.1364/OL.6.000316.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipse.noise.blocks import VARYING, Blocks, quiet

BINS = 10  # number of brightness bins
FEW = 40  # smallest number of blocks in a bin
LEAST = 20  # smallest number of chosen blocks in a bin
SHARE = 0.07  # smallest fraction of a bin's blocks that are chosen
LEAN = 0.4  # weight of bins above the curve; bins below it have weight 1 − LEAN
STIFF = 3.0  # weight of second differences
ROUNDS = 3
SCALE = np.linspace(-0.1, 1.1, 1201)  # brightness values at which a curve is tabulated
SMOOTH = 25  # length of the moving average that smooths the table
FLOOR = 0.02  # smallest level, relative to the curve's mean

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """The noise level of one channel as a function of brightness, up to a factor."""

    brightness: Array  #: (K,), ascending, in [0, 1]
    level: Array  #: (K,)

    def at(self, b: Tensor) -> Tensor:
        """The level for each brightness in a tensor."""
        return _interpolated(b, self.brightness, self.level)

    def tones(self) -> tuple[Array, Array]:
        """T, tabulated over ``SCALE``; its unit is the noise level."""
        level = np.interp(SCALE, self.brightness, self.level)
        level = np.maximum(level, FLOOR * level.mean())
        level = np.convolve(np.pad(level, SMOOTH // 2, mode="edge"), np.full(SMOOTH, 1 / SMOOTH), "valid")
        area = (1 / level[1:] + 1 / level[:-1]) / 2 * np.diff(SCALE)
        return SCALE, np.concatenate([[0.0], np.cumsum(area)])


def stabilised(y: Tensor, curves: tuple[Curve, ...]) -> Tensor:
    """T y for a picture (C, H, W) in [0, 1]."""
    return torch.stack([_interpolated(plane, *curve.tones()) for plane, curve in zip(y, curves, strict=True)])


def restored(t: Tensor, curves: tuple[Curve, ...]) -> Tensor:
    """T⁻¹ t for a picture (C, H, W)."""
    tones = [curve.tones()[::-1] for curve in curves]
    return torch.stack([_interpolated(plane, *tone) for plane, tone in zip(t, tones, strict=True)])


def _interpolated(x: Tensor, places: Array, values: Array) -> Tensor:
    return torch.from_numpy(np.interp(x.cpu().numpy(), places, values)).to(x)


def curves(y: Tensor) -> tuple[Curve, ...]:
    """The noise curve of each channel of a picture (C, H, W) in [0, 1]."""
    blocks = Blocks.of(y, clipped=(y <= 0) | (y >= 1))
    level = torch.ones_like(blocks.brightness)
    found: tuple[Curve, ...] = ()
    for turn in range(ROUNDS):
        even = blocks.scaled(level)
        seen = quiet(even)
        usual = seen.usual if turn else -1.0
        energy = (blocks.coefficients.square() / seen.spectrum[:, None, None])[..., VARYING].mean(-1)
        found = tuple(
            _curve(b[fit], e[fit], seen.scores[fit], usual)
            for b, e, fit in zip(blocks.brightness, energy, blocks.usable, strict=True)
        )
        level = torch.stack([curve.at(b) for curve, b in zip(found, blocks.brightness, strict=True)])
    return found


def _curve(brightness: Tensor, energy: Tensor, scores: Tensor, usual: float) -> Curve:
    """The noise curve of one channel, from the quiet ones of its blocks (N,)."""
    rows: list[tuple[float, float, float]] = []
    if len(brightness) > FEW:
        low, high = (float(brightness.quantile(share)) for share in (0.005, 0.995))
        place = ((brightness - low) / max(high - low, 1e-6) * BINS).long()
        for part in range(BINS):
            inside = place == part
            if int(inside.sum()) < FEW:
                continue
            count = max(LEAST, int(SHARE * int(inside.sum())), int((scores[inside] <= usual).sum()))
            nearest = scores[inside].topk(count, largest=False).indices
            rows.append(
                (float(brightness[inside][nearest].mean()), float(energy[inside][nearest].mean()), count)
            )
    if not rows:
        return Curve(np.array([0.5]), np.ones(1))
    b, variance, count = np.array(sorted(rows)).T
    level = _leaning(0.5 * np.log(np.maximum(variance, 1e-12)), count / count.max())
    return Curve(b, np.exp(level - level.mean()))


def _leaning(values: Array, weights: Array) -> Array:
    """A smooth curve below most of the values (K,): penalised expectile regression."""
    if len(values) < 3:
        return values
    bend = np.diff(np.eye(len(values)), 2, axis=0)
    curve = values
    for _ in range(50):
        pull = np.where(values > curve, LEAN, 1 - LEAN) * weights
        curve = np.linalg.solve(np.diag(pull + 1e-9) + STIFF * pull.mean() * bend.T @ bend, pull * values)
    return curve
