"""Tomography: y(θ, t) = ∫ x along the ray of angle θ at distance t from the axis, averaged over a detector element.

Each pixel casts the shadow of a square: a trapezoid, the convolution of two boxes of widths |cos θ| and |sin θ|. So y
is exact for a picture of square pixels. A is a sparse matrix, and the gradient is its transpose.

Long, Fessler, Balter, "3D forward and back-projection for X-ray CT using separable footprints", 2010,
https://doi.org/10.1109/TMI.2010.2050898
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ipse.engine.operators.operator import Operator
from ipse.engine.operators.sparse import Entries, Sparse
from ipse.errors import OptionError

Floats = NDArray[np.float64]

THIN = 1e-5  # pixels: a narrower box is as good as none, and could not be divided by


class Projector(Operator):
    """x (B, C, H, W) → y (B, C, angles, bins) by a sparse matrix, whose entries are a pixel's shadows on the detector.

    Raises:
        OptionError: there are no angles, or values that are not finite.
    """

    matrix: Sparse

    def __init__(
        self, size: tuple[int, int], angles: ArrayLike, bins: int | None, centre: float | None
    ) -> None:
        super().__init__()
        self.turns: Floats = np.deg2rad(np.asarray(angles, np.float64).ravel())  #: radians
        if not self.turns.size or not np.isfinite(self.turns).all():
            raise OptionError("the angles of the rays are none, or not finite: give one number for each view")
        self.size, self.bins, self.views = size, size[1] if bins is None else bins, len(self.turns)
        self.centre = (self.bins - 1) / 2 if centre is None else centre

    def of(self, shadows: Iterator[Entries]) -> Sparse:
        """The matrix with the given entries."""
        return Sparse(shadows, (self.views * self.bins, self.size[0] * self.size[1]))

    def forward(self, x: Tensor) -> Tensor:
        """Project x (B, C, H, W)."""
        return self.matrix(x.flatten(2)).unflatten(2, (self.views, self.bins))


class Radon(Projector):
    """x (B, C, H, W) → y (B, C, angles, bins): line integrals in units of x times the side of a pixel.

    Args:
        size: (H, W).
        angles: in degrees. At 0 rays run down the columns, at 90 along the rows, and the first element
            is at the bottom (as in scikit-image).
        bins: number of detector elements, each as wide as a pixel; by default W.
        centre: the element onto which the axis of rotation falls, from 0; by default the middle, (bins − 1) / 2.

    Raises:
        OptionError: there are no angles, or values that are not finite.
    """

    def __init__(
        self,
        size: tuple[int, int],
        angles: ArrayLike,
        *,
        bins: int | None = None,
        centre: float | None = None,
    ) -> None:
        super().__init__(size, angles, bins, centre)
        self.matrix = self.of(shadows(size, self.turns, self.bins, self.centre))


def shadows(size: tuple[int, int], turns: Floats, bins: int, centre: float) -> Iterator[Entries]:
    """The entries of the matrix, view by view; angles in radians."""
    down, across = (np.arange(side) - (side - 1) / 2 for side in size)
    place = np.arange(size[0] * size[1], dtype=np.int32)
    for view, turn in enumerate(turns):
        t = (across * np.cos(turn) + (-down * np.sin(turn))[:, None] + centre).ravel()
        first = np.rint(t).astype(np.int32) - 1
        widths = np.abs([np.cos(turn), np.sin(turn)]) / 2
        edges = [trapezoid(first + k - 0.5 - t, *widths) for k in range(4)]
        for k in range(3):
            value, at = edges[k + 1] - edges[k], first + k
            kept = (value > 1e-7) & (at >= 0) & (at < bins)
            yield (view * bins + at[kept]), place[kept], value[kept].astype(np.float32)


def trapezoid(x: Floats, a: float, b: float) -> Floats:
    """∫ to x of the convolution of two boxes, of half widths a and b and of area 1."""
    a, b = max(a, b), min(a, b)
    if b < THIN:
        return np.clip(x / (2 * a) + 0.5, 0, 1)
    corners = ((a + b, 1), (a - b, -1), (b - a, -1), (-a - b, 1))
    total = sum(sign * np.maximum(x + at, 0) ** 2 for at, sign in corners)
    return np.asarray(total) / (8 * a * b)
