"""Noise as it is: y = x + n, n of any level over brightness, any correlation from pixel to pixel and between channels.

    T y = T x + n′,     E n′_c(p) n′_d(p + Δ) = r_cd(Δ)

T makes the level the same everywhere (``curve``), r is read from the block DCT of quiet blocks (``blocks``): the
variance of each coefficient is a sum of r over lags, which is solved for r. How much quiet blocks deviate from what
Gaussian noise would be says whether it is noise at all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ipse.noise.blocks import DCT, SIDE, VARYING, Blocks, Quiet, power, quiet
from ipse.noise.curve import Curve, curves, restored, stabilised

LAG = 6  # pixels, the farthest that is kept
CAP = 2.0  # times the power of the frequency above them may the two lowest have
SHORT = 1e-3  # weight of a lag's square times r²: noise is correlated over few pixels


@dataclass(frozen=True)
class Measured:
    """Noise, read from a picture (C, H, W) alone."""

    curves: tuple[Curve, ...]  #: level over brightness, up to a factor, a channel each
    covariance: Tensor  #: r of the stabilised noise (C, C, 2·LAG + 1, 2·LAG + 1)
    sigma: tuple[float, ...]  #: root mean square over the picture, a channel each, on the scale of y
    kurtosis: float  #: of the coefficients of quiet blocks; 3 for Gaussian noise
    floor: float  #: energy of the picture's quietest hundredth of blocks, in that of the noise; about ½ for noise
    share: float  #: of the blocks are quiet

    @property
    def correlation(self) -> float:
        """From a pixel of the first channel to the next; 0 for white noise."""
        r = self.covariance[0, 0, LAG]
        return float(r[LAG + 1] / r[LAG].clamp_min(1e-12))

    def stabilised(self, y: Tensor) -> Tensor:
        """T y (C, H, W)."""
        return stabilised(y, self.curves)

    def restored(self, t: Tensor) -> Tensor:
        """T⁻¹ t (C, H, W)."""
        return restored(t, self.curves)


def measure(y: Tensor) -> Measured | None:
    """Read the noise of a picture (C, H, W) in [0, 1]; None where the picture is too small to tell."""
    if min(y.shape[-2:]) < 6 * SIDE:
        return None
    found = curves(y)
    blocks = Blocks.of(stabilised(y, found), clipped=(y <= 0) | (y >= 1))
    seen = quiet(blocks)
    r = covariance(seen.cross)
    energy = (blocks.coefficients.square() / seen.spectrum[:, None, None])[..., VARYING].mean((0, -1))
    brightness = Blocks.of(y).brightness
    levels = [curve.at(b).square().mean().sqrt() for curve, b in zip(found, brightness, strict=True)]
    return Measured(
        curves=found,
        covariance=r,
        sigma=tuple(float(s * r[c, c, LAG, LAG].clamp_min(0).sqrt()) for c, s in enumerate(levels)),
        kurtosis=_kurtosis(blocks, seen),
        floor=float(energy[blocks.free].quantile(0.01)),
        share=float(seen.chosen.float().mean()),
    )


def _kurtosis(blocks: Blocks, seen: Quiet) -> float:
    """Of the normalised coefficients of the quiet blocks."""
    z = blocks.coefficients[:, seen.chosen][..., VARYING] / seen.spectrum[:, None, VARYING].sqrt()
    return float(z.pow(4).mean() / z.square().mean().square())


def covariance(cross: Tensor) -> Tensor:
    """r (C, C, 2·LAG + 1, 2·LAG + 1) of noise with the cross spectra (C, C, 8, 8); the block mean is not looked at.

    Least squares, where far lags must earn their place. Symmetric in both directions, which is all that the DCT knows.
    """
    cross = _capped(cross.double().cpu().clone())
    lag = torch.arange(SIDE, dtype=torch.float64)
    far = torch.maximum(lag[:, None], lag).square().flatten()
    system = torch.cat([_lags(), torch.diag((SHORT * far).sqrt())])
    values = torch.cat([cross.flatten(2), torch.zeros_like(cross.flatten(2))], -1).flatten(0, 1).T
    quarter = torch.linalg.lstsq(system, values).solution.T.reshape(*cross.shape)[..., : LAG + 1, : LAG + 1]
    half = torch.cat([quarter.flip(-2)[..., :-1, :], quarter], -2)
    return torch.cat([half.flip(-1)[..., :-1], half], -1).float()


def _capped(cross: Tensor) -> Tensor:
    """Cross spectra whose lowest frequencies are no louder than the next: noise is smooth there, a picture is not.

    The block's mean, which is the picture's, becomes what is beside it.
    """
    spectrum = power(cross)
    most = CAP * spectrum[:, 1, 1]
    for i, j in ((0, 1), (1, 0)):
        gain = (most / spectrum[:, i, j]).clamp_max(1).sqrt()
        cross[..., i, j] *= gain[:, None] * gain
    cross[..., 0, 0] = (cross[..., 0, 1] + cross[..., 1, 0]) / 2
    return cross


def _lags() -> Tensor:
    """How each lag adds to the variance of each coefficient (64, 64)."""
    d = DCT.double()
    place = torch.arange(SIDE)
    distance = (place[:, None] - place).abs()
    products = torch.einsum("ui,uj->uij", d, d)
    line = torch.stack([(products * (distance == lag)).sum((1, 2)) for lag in range(SIDE)], 1)  # (u, lag)
    return torch.kron(line, line)
