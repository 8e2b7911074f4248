"""Measured noise: y = x + n, with brightness-dependent level and correlation between pixels and channels.

    T y = T x + n′,     E n′_c(p) n′_d(p + Δ) = r_cd(Δ)

T makes the level constant (``curve``). The autocovariance r is measured in the block DCT of quiet blocks (``blocks``):
the variance of each coefficient is a weighted sum of r over lags, which is solved for r. The deviation of quiet blocks
from Gaussian noise decides whether it is noise at all.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ipse.noise.blocks import DCT, SIDE, VARYING, Blocks, Quiet, power, quiet
from ipse.noise.curve import Curve, curves, restored, stabilised

LAG = 6  # largest lag, in pixels
CAP = 2.0  # largest power of the two lowest frequencies, relative to the next higher one
SHORT = 1e-3  # weight of the penalty lag² r², since noise is correlated over few pixels only


@dataclass(frozen=True)
class Measured:
    """Noise measured in a picture (C, H, W)."""

    curves: tuple[Curve, ...]  #: noise curve of each channel, up to a factor
    covariance: Tensor  #: r of the stabilised noise (C, C, 2·LAG + 1, 2·LAG + 1)
    sigma: tuple[float, ...]  #: root mean square σ over the picture for each channel, in units of y
    kurtosis: float  #: kurtosis of the coefficients of quiet blocks; 3 for Gaussian noise
    floor: float  #: energy of the quietest 1 % of blocks, relative to the noise; about ½ for noise
    share: float  #: fraction of blocks that are quiet

    @property
    def correlation(self) -> float:
        """The correlation of neighbouring pixels in the first channel; 0 for white noise."""
        r = self.covariance[0, 0, LAG]
        return float(r[LAG + 1] / r[LAG].clamp_min(1e-12))

    def stabilised(self, y: Tensor) -> Tensor:
        """T y (C, H, W)."""
        return stabilised(y, self.curves)

    def restored(self, t: Tensor) -> Tensor:
        """T⁻¹ t (C, H, W)."""
        return restored(t, self.curves)


def measure(y: Tensor) -> Measured | None:
    """Measure the noise of a picture (C, H, W) in [0, 1]; None if the picture is too small."""
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
    """The kurtosis of the normalised coefficients of quiet blocks."""
    z = blocks.coefficients[:, seen.chosen][..., VARYING] / seen.spectrum[:, None, VARYING].sqrt()
    return float(z.pow(4).mean() / z.square().mean().square())


def covariance(cross: Tensor) -> Tensor:
    """r (C, C, 2·LAG + 1, 2·LAG + 1) of noise with cross spectra (C, C, 8, 8); the block mean is ignored.

    Least squares with a penalty on large lags. The DCT only determines r that is symmetric in both directions.
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
    """Limit the lowest frequencies of cross spectra, where a picture may be strong but the noise spectrum is smooth.

    The block mean, which is that of the picture, is replaced by the neighbouring frequencies.
    """
    spectrum = power(cross)
    most = CAP * spectrum[:, 1, 1]
    for i, j in ((0, 1), (1, 0)):
        gain = (most / spectrum[:, i, j]).clamp_max(1).sqrt()
        cross[..., i, j] *= gain[:, None] * gain
    cross[..., 0, 0] = (cross[..., 0, 1] + cross[..., 1, 0]) / 2
    return cross


def _lags() -> Tensor:
    """The weight of each lag in the variance of each coefficient (64, 64)."""
    d = DCT.double()
    place = torch.arange(SIDE)
    distance = (place[:, None] - place).abs()
    products = torch.einsum("ui,uj->uij", d, d)
    line = torch.stack([(products * (distance == lag)).sum((1, 2)) for lag in range(SIDE)], 1)  # (u, lag)
    return torch.kron(line, line)
