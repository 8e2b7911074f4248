"""r = y − x*: what a restoration removed, and two numbers that tell noise from lost detail.

    flatness   exp(mean log P) / mean P, P the mean spectrum of 8 × 8 blocks of r: 1 for white noise, less if correlated
    structure  rank correlation over blocks of the energy of r with that of x*: near 0 for noise, positive for detail

Spectral flatness: Gray and Markel, "A spectral-flatness measure for studying the autocorrelation method of linear
prediction of speech analysis", 1974, https://doi.org/10.1109/TASSP.1974.1162572. A residual with the structure of
the picture is a sign of lost detail: Buades, Coll and Morel, "A review of image denoising algorithms, with a new one"
(method noise), 2005, https://doi.org/10.1137/040616024.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIDE = 8  # pixels a side of a block
MOST = 20_000  # largest number of blocks that are looked at, spread evenly over the picture
LEAST = 50  # smallest number of blocks for a rank correlation
_K = np.arange(SIDE)
#: the orthonormal DCT (8, 8); without SciPy, which is slow to import
_COSINES = np.cos(np.pi / SIDE * _K[:, None] * (_K + 0.5)) * np.where(_K == 0, 1, 2)[:, None] ** 0.5
DCT: Floats = (_COSINES / SIDE**0.5).astype(np.float32)
TRACE = 1e-12  # mean power up to this is a rounding error of single precision
ENDS = 0.25  # largest fraction of black or white samples in a block, where noise is clipped


@dataclass(frozen=True)
class Residual:
    """The properties of a residual."""

    deviation: float  #: root mean square, in units of the picture's range
    flatness: float | None  #: of its spectrum, 0 to 1; None if it is zero, or smaller than a block
    structure: float | None  #: −1 to 1; None if there are too few blocks

    @classmethod
    def of(cls, y: Floats, x: Floats) -> "Residual":
        """Measure y − x.

        Args:
            y: the damaged picture (C, H, W) in [0, 1].
            x: the restored picture, of the same shape.
        """
        energy = [np.square(a - b, dtype=np.float64).mean() for a, b in zip(y, x, strict=True)]
        deviation = float(np.sqrt(np.mean(energy)))
        if deviation == 0 or min(y.shape[1:]) < SIDE:
            return cls(deviation, None, None)
        free = blocks((y <= 0) | (y >= 1)).mean((1, 2)) <= ENDS
        restored = blocks(x)
        removed = spectrum(blocks(y) - restored)
        if not free.any():
            return cls(deviation, flatness(removed.mean(0)), None)
        return cls(
            deviation, flatness(removed[free].mean(0)), structure(removed[free], spectrum(restored[free]))
        )


def blocks(planes: NDArray[np.generic]) -> Floats:
    """The mean over channels of planes (C, H, W), in blocks (N, 8, 8)."""
    rows, columns = (side // SIDE for side in planes.shape[1:])
    gray = planes[:, : rows * SIDE, : columns * SIDE].mean(0, dtype=np.float32)
    every = gray.reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    return every[:: -(-len(every) // MOST)]


def spectrum(blocks: Floats) -> Floats:
    """The squared DCT coefficients of blocks (N, 8, 8), without the mean: (N, 63)."""
    return np.square(DCT @ blocks @ DCT.T).reshape(-1, SIDE * SIDE)[:, 1:]


def flatness(power: Floats) -> float | None:
    """The spectral flatness of mean powers (63,)."""
    mean = float(power.mean())
    return float(np.exp(np.log(np.maximum(power / mean, 1e-12)).mean())) if mean > TRACE else None


def structure(residual: Floats, restored: Floats) -> float | None:
    """The rank correlation of the energies of blocks (N, 63) of a residual and of the restored picture."""
    if len(residual) < LEAST:
        return None
    ranks = [spectra.sum(1).argsort().argsort() for spectra in (residual, restored)]
    return float(np.corrcoef(*ranks)[0, 1])
