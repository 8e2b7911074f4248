"""u* = argmin_u mean_p (a(p) − b(p + u))²: align planes that have moved relative to each other.

The mean is over the pixels that both have, and found for all u at once: with m the ones where a plane is,

    Σ_p (a(p) − b(p + u))² = (a² ⋆ m)(u) + (m ⋆ b²)(u) − 2 (a ⋆ b)(u),   ⋆ the correlation, by Fourier transforms

Displacements are whole pixels. One is believed only where it explains more than chance would among so many. Laid so,
two planes show the same if their details are correlated, at any of a few scales, more than chance would have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipse.pictures.levels import Samples

REACH = 4  # the largest displacement is the shorter side divided by this
SCALES = (2, 4, 8)  # sides, in pixels, of the averages whose details are compared
ALIKE = 4.0  # smallest correlation of related details, in standard deviations of unrelated ones
SURE = 6.0  # smallest improvement by a displacement, in standard deviations of a mean square


@dataclass(frozen=True)
class Canvas:
    """The positions of planes of the same size on a common canvas.

    Attributes:
        size: (H, W) of a plane.
        places: first row and column of each plane.
    """

    size: tuple[int, int]
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, plane: Samples, count: int) -> "Canvas":
        """Planes of the same size without displacement."""
        return cls((plane.shape[0], plane.shape[1]), ((0, 0),) * count)

    @property
    def sides(self) -> tuple[int, int]:
        """(H, W) of the canvas."""
        down, across = (max(ends) for ends in zip(*self.places, strict=True))
        return self.size[0] + down, self.size[1] + across

    def spread(self, planes: Sequence[Samples]) -> Samples:
        """Arrange planes (H, W, S) on the canvas, as one picture (H', W', planes · S).

        What a plane does not show is taken from the one nearest to it in the sequence that does; of what none
        shows, it repeats its border.
        """
        return np.concatenate([self._filled(planes, index) for index in range(len(planes))], axis=2)

    def part(self, samples: Samples, index: int, *, factor: int = 1) -> Samples:
        """The part of the canvas, enlarged by ``factor``, that is the plane of the given number."""
        (down, across), (height, width) = self.places[index], self.size
        return samples[down * factor : (down + height) * factor, across * factor : (across + width) * factor]

    def only(self, chosen: Sequence[int]) -> "Canvas":
        """The canvas for some of the planes."""
        places = np.array([self.places[index] for index in chosen])
        return Canvas(self.size, tuple((down, across) for down, across in (places - places.min(0)).tolist()))

    def shared(self, planes: Sequence[Samples], one: int, other: int) -> tuple[Samples, Samples]:
        """The overlap of two planes, in the coordinates of each."""
        corners = [np.array(self.places[index]) for index in (one, other)]
        first = np.maximum(*corners)
        last = np.minimum(*corners) + self.size
        found = [(first - corner, last - corner) for corner in corners]
        a, b = (
            planes[index][start[0] : end[0], start[1] : end[1]]
            for index, (start, end) in zip((one, other), found, strict=True)
        )
        return a, b

    def _filled(self, planes: Sequence[Samples], index: int) -> Samples:
        down, across = (
            np.clip(np.arange(whole) - first, 0, side - 1)
            for whole, first, side in zip(self.sides, self.places[index], self.size, strict=True)
        )
        made = planes[index][down[:, None], across]
        for one in sorted(range(len(planes)), key=lambda other: -abs(other - index)):
            self.part(made, one)[...] = planes[one]
        return made


def aligned(planes: Sequence[Samples], fixed: int) -> Canvas:
    """Align planes (H, W, S) with the plane of number ``fixed``."""
    size = (planes[fixed].shape[0], planes[fixed].shape[1])
    gray = [plane.mean(2, dtype=np.float64) for plane in planes]
    moved = np.array([drift(gray[fixed], one) for one in gray])
    places = (moved.max(0) - moved).tolist()
    return Canvas(size, tuple((down, across) for down, across in places))


def families(planes: Sequence[Samples]) -> list[tuple[list[int], Canvas]]:
    """Sort planes (H, W, S): those that show what the middle one shows, laid still, then each other one by itself.

    Returns:
        For each family its planes' numbers, and their canvas.
    """
    middle = len(planes) // 2
    canvas = aligned(planes, middle)
    pairs = [canvas.shared(planes, middle, index) for index in range(len(planes))]
    sure = [max(_likeness(a.mean(2), b.mean(2), scale) for scale in SCALES) for a, b in pairs]
    same = [index for index in range(len(planes)) if index == middle or sure[index] > ALIKE]
    others = [index for index in range(len(planes)) if index not in same]
    return [(same, canvas.only(same)), *(([index], canvas.only([index])) for index in others)]


def _likeness(one: NDArray[Any], other: NDArray[Any], scale: int) -> float:
    """The correlation of two planes' details, averaged over ``scale``² pixels, in standard deviations."""
    a, b = (_details(plane, scale) for plane in (one, other))
    energy = float(np.sum(a * a) * np.sum(b * b))
    return float(np.sum(a * b)) / energy**0.5 * a.size**0.5 if energy > 0 else 0.0


def _details(plane: NDArray[Any], scale: int) -> NDArray[np.float64]:
    height, width = (side // scale for side in plane.shape)
    whole = plane[: height * scale, : width * scale].astype(np.float64)
    mean = whole.reshape(height, scale, width, scale).mean((1, 3))
    beside = mean[:-2, 1:-1] + mean[2:, 1:-1] + mean[1:-1, :-2] + mean[1:-1, 2:]
    return 4 * mean[1:-1, 1:-1] - beside


def drift(fixed: NDArray[Any], moving: NDArray[Any]) -> tuple[int, int]:
    """Return the displacement u for which ``moving`` at p + u matches ``fixed`` at p; both are (H, W).

    Levels may differ by a constant. The result is zero unless another displacement is clearly better.
    """
    shape = fixed.shape
    reach = [side // REACH for side in shape]
    room = [side + far for side, far in zip(shape, reach, strict=True)]
    a, b = fixed - fixed.mean(), moving - moving.mean()
    spectra = [np.fft.rfft2(one, room) for one in (a, b, a * a, b * b, np.ones(shape))]

    def correlation(one: int, other: int) -> NDArray[np.float64]:
        found = np.fft.irfft2(spectra[one].conj() * spectra[other], room)
        return found[np.ix_(*(np.arange(-far, far + 1) for far in reach))]

    shared = correlation(4, 4)
    misfit = (correlation(2, 4) + correlation(4, 3) - 2 * correlation(0, 1)) / shared
    best = np.unravel_index(int(np.argmin(misfit)), misfit.shape)
    doubt = SURE * (2 / a.size) ** 0.5
    if misfit[best] >= (1 - doubt) * misfit[reach[0], reach[1]]:
        return 0, 0
    return int(best[0]) - reach[0], int(best[1]) - reach[1]
