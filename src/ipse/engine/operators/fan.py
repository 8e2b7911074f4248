"""Fan beam: y(β, u) = ∫ x along the ray from the source at angle β to the detector's place u, averaged over an element.

A pixel at the distance ρ from the source casts the shadow of a square, as in parallel beams of its ray's angle, onto
elements that are m = ρ dγ/du wide there. The picture's pixel is an element seen from the axis: D/(D + E) of it.

    flat:  tan γ = u / F,   dγ/du = cos² γ / F          equiangular:  γ = u / F,   dγ/du = 1 / F,          F = D + E

Long, Fessler, Balter, "3D forward and back-projection for X-ray CT using separable footprints", 2010,
https://doi.org/10.1109/TMI.2010.2050898
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ipse.engine.operators.radon import THIN, Floats, Projector
from ipse.engine.operators.sparse import Entries
from ipse.errors import OptionError

Detector = Literal["flat", "equiangular"]
FAINT = 1e-7  # smallest entry that is kept


class Fan(Projector):
    """x (B, C, H, W) → y (B, C, angles, bins): line integrals in units of x times the side of a pixel.

    Args:
        size: (H, W).
        angles: of the source in degrees, turning as in ``Radon``, whose rays these are at a great distance.
        distance: F, from the source to the detector, in elements.
        detector: its shape.
        bins: its number of elements; by default W.
        centre: the element behind the axis, from 0; by default the middle.

    Raises:
        OptionError: the source is within the picture, or the angles are none.
    """

    def __init__(
        self,
        size: tuple[int, int],
        angles: ArrayLike,
        distance: float,
        *,
        detector: Detector = "flat",
        bins: int | None = None,
        centre: float | None = None,
    ) -> None:
        super().__init__(size, angles, bins, centre)
        if not distance > np.hypot(*size) / 2 + 1:
            raise OptionError(
                f"the source is {distance:g} pixels from the axis, within a picture of {size[0]} × {size[1]}: "
                "give a larger distance, or a smaller size"
            )
        self.distance, self.flat = distance, detector == "flat"
        self.matrix = self.of(self._shadows())

    def _shadows(self) -> Iterator[Entries]:
        """The entries of the matrix, view by view."""
        size, distance, flat, bins = self.size, self.distance, self.flat, self.bins
        down, across = (np.arange(side) - (side - 1) / 2 for side in size)
        place = np.arange(size[0] * size[1], dtype=np.int32)
        for view, turn in enumerate(self.turns):
            t = (across * np.cos(turn) - down[:, None] * np.sin(turn)).ravel()
            from_axis = (across * np.sin(turn) + down[:, None] * np.cos(turn)).ravel()
            s = distance + from_axis  # from the source's plane
            gamma = np.arctan2(t, s)
            at = self.centre + distance * (t / s if flat else gamma)
            width = np.hypot(t, s) * (np.cos(gamma) ** 2 if flat else 1) / distance
            halves = np.sort(np.abs([np.cos(turn + gamma), np.sin(turn + gamma)]) / 2, axis=0)
            first = np.floor(at - halves.sum(0) / width + 0.5).astype(np.int32)
            before = _area((first - 0.5 - at) * width, *halves)
            for k in range(int(np.ceil((2 * halves.sum(0) / width).max())) + 1):
                after = _area((first + k + 0.5 - at) * width, *halves)
                value, element = (after - before) / width, first + k
                kept = (value > FAINT) & (element >= 0) & (element < bins)
                yield view * bins + element[kept], place[kept], value[kept].astype(np.float32)
                before = after


def _area(x: Floats, b: Floats, a: Floats) -> Floats:
    """∫ to x of the convolution of two boxes, of half widths b ≤ a and of area 1."""
    b = np.maximum(b, THIN)
    total = sum(
        sign * np.maximum(x + at, 0) ** 2 for at, sign in ((a + b, 1), (a - b, -1), (b - a, -1), (-a - b, 1))
    )
    return np.asarray(total) / (8 * a * b)
