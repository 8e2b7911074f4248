"""Dust: small round spots of one value, unlike anything around them.

    r = v − γ(v),   v the largest of a pixel's samples, γ the area opening: bright spots of at most AREA pixels go

and likewise for dark spots, of the smallest sample. What is longer than LARGEST is no speck, however thin it is. A spot
is dust if it stands out from its surroundings by far more than other spots near by do, if it is even and compact, and
if what is around it is even too: the more of this, the larger its evidence. Dust never comes alone, so that a picture
of which fewer than FEWEST spots are certain has none. The weights are those of a logistic regression, as in
``evidence``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, find_objects, label, uniform_filter
from skimage.morphology import area_opening

from ipse.noise.damage.size import large, shrunk_to_fit

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.int32]

LARGEST = 19  # pixels across, with soft edges
AREA = 240  # pixels
FAINT = 0.08  # smallest r of a spot
SMALLEST = 3  # pixels of a spot
AROUND = 41  # side of the square in which other spots are compared
RIM = (2, 5)  # pixels from a spot that are its surroundings
CERTAIN, LIKELY = 0.5, -1.0  # evidence
FEWEST = 3
HALF, SOFT = 0.5, 0.15  # of a spot's height: where it is measured, and where it ends

#: feature: (weight, mean, standard deviation)
WEIGHTS = {
    "height": (-0.290, -1.734, 0.444),  # r at the top
    "area": (0.688, 1.843, 0.758),  # pixels above half of the height
    "rarity": (0.598, 1.809, 0.562),  # height over the mean of r around
    "contrast": (0.371, 0.482, 0.580),  # height over the deviation of the surroundings
    "compact": (0.606, 0.609, 0.238),  # area over that of the square around it
    "even": (0.023, 0.144, 0.054),  # deviation within, over the height
    "pure": (0.523, 0.715, 0.180),  # how near to black or white
}
BIAS = -5.085


@dataclass(frozen=True, eq=False)
class Spot:
    """A small spot."""

    features: Values  #: in the order of WEIGHTS
    place: tuple[slice, slice]  #: a window around it
    mask: Flags  #: its pixels in the window

    @property
    def evidence(self) -> float:
        """log P(dust | features) − log P(scene | features)."""
        weight, mean, deviation = np.array(list(WEIGHTS.values())).T
        return float(weight @ ((self.features - mean) / deviation)) + BIAS


def specks(y: NDArray[np.float32]) -> Flags:
    """Where there is dust on a picture (C, H, W), on [0, 1]: (H, W)."""
    seen, factor = shrunk_to_fit(y)
    marked = np.zeros(seen.shape[1:], np.bool_)
    found = [(spot, spot.evidence) for spot in spots(seen)] if min(marked.shape) > LARGEST else []
    if sum(evidence > CERTAIN for _, evidence in found) >= FEWEST:
        for spot, evidence in found:
            if evidence > LIKELY:
                marked[spot.place] |= spot.mask
    return large(marked, factor, y.shape[1:])


def spots(y: NDArray[np.float32]) -> list[Spot]:
    """The small spots of a picture, bright and dark."""
    return [spot for sign in (1, -1) for spot in _spots(y, sign)]


def _spots(y: NDArray[np.float32], sign: int) -> list[Spot]:
    """The bright spots, or with −1 the dark ones."""
    bright = (y if sign > 0 else 1 - y).astype(np.float64)
    levels = np.rint(255 * bright.max(0)).astype(np.uint8)
    residual = (levels - area_opening(levels, AREA).astype(np.float64)) / 255
    around = uniform_filter(residual, AROUND, mode="nearest")
    labels: Labels = np.zeros(levels.shape, np.int32)
    label(residual > FAINT, np.ones((3, 3)), output=labels)
    made = list[Spot]()
    for index, place in enumerate(find_objects(labels), 1):
        if max(part.stop - part.start for part in place) <= LARGEST:
            window = (_wider(place[0]), _wider(place[1]))
            spot = _spot(bright, (residual, around), labels[window] == index, window)
            made += [] if spot is None else [spot]
    return made


def _wider(part: slice) -> slice:
    """With the surroundings of a spot."""
    return slice(max(0, part.start - RIM[1] - 1), part.stop + RIM[1] + 1)


def _spot(
    bright: Values, residuals: tuple[Values, Values], own: Flags, window: tuple[slice, slice]
) -> Spot | None:
    """Measure a spot; None if it is too small."""
    r, around = residuals[0][window], residuals[1][window]
    height = float(r[own].max())
    half = own & (r >= HALF * height)
    area = int(half.sum())
    if area < SMALLEST:
        return None
    near, far = (np.asarray(binary_dilation(own, iterations=many), np.bool_) for many in RIM)
    values = bright[:, *window]
    rim = values[:, far & ~near]
    if not rim.size:
        return None
    rows, columns = np.nonzero(half)
    square = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    middle = values[:, half]
    centre = (int(np.mean(rows)), int(np.mean(columns)))
    rest = float(around[centre]) * AROUND**2 - float(r[own].sum())
    features = np.array([
        np.log(height),
        np.log(area),
        np.log(height / (max(rest, 0.0) / AROUND**2 + 0.002)),
        np.log(height / (float(rim.std(1).mean()) + 0.01)),
        area / square,
        float(middle.std(1).mean()) / height,
        float(middle.mean(1).max()),
    ])  # fmt: skip
    mask = np.asarray(binary_dilation(own & (r >= SOFT * height), np.ones((3, 3))), np.bool_)
    return Spot(features, window, mask)
