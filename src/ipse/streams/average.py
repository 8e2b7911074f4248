"""x̄ = (1/K) Σ_k x_k and Σ_k (x_k − x̄)²: pictures averaged one by one, so that memory does not grow with K.

B. P. Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics, 1962,
https://doi.org/10.1080/00401706.1962.10490022
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Moments:
    """Mean and squared deviations of the pictures so far; each new one gives new moments."""

    count: int
    mean: Floats  #: (C, H, W)
    squares: Floats  #: (H, W): Σ_k (x_k − x̄)², the mean of the channels

    @classmethod
    def of(cls, pixels: Floats) -> "Moments":
        """The moments of one picture (C, H, W)."""
        return cls(1, pixels.copy(), np.zeros(pixels.shape[1:], np.float32))

    def with_(self, pixels: Floats) -> "Moments":
        """The moments with one picture more."""
        change = pixels - self.mean
        mean = (self.mean + change / (self.count + 1)).astype(np.float32, copy=False)
        return Moments(self.count + 1, mean, self.squares + (change * (pixels - mean)).mean(0, np.float32))

    @property
    def deviation(self) -> Floats | None:
        """s (H, W), channels joined by root mean square; None of a single picture."""
        return None if self.count < 2 else np.sqrt(self.squares / np.float32(self.count - 1))
