"""d(p) = min |p − q| over known q: which gaps are holes, that a network fills, and which patches from elsewhere do."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ipse.pictures import Known, Mask

THIN = 6  # pixels from the rim: a hole that goes deeper is the network's …
SPARSE = 2.75  # … unless known pixels lie as thin everywhere: times their mean distance

Flags = NDArray[np.bool_]


def depth(known: Flags, rows: slice = slice(None)) -> int:
    """Largest distance from a missing pixel in some rows to a known one in any, in pixels."""
    from scipy.ndimage import distance_transform_edt

    distance = np.asarray(distance_transform_edt(~known))  # type: ignore[arg-type]  # SciPy types its options, not its use
    return round(float(np.max(distance[rows])))


def thin(missing: float) -> float:
    """Return how deep gaps may go that are no holes, in pixels, where that share of the pixels is missing."""
    return max(THIN, SPARSE / max(1 - missing, 1e-6) ** 0.5)


def has_holes(mask: "Mask | Known") -> bool:
    """Whether any gap is a hole, found in bands with as many rows beside them as settle it."""
    from ipse.pictures.marks import windows

    limit = thin(mask.share)
    beside, height = ceil(limit) + 1, mask.shape[0]
    for rows, columns in windows(mask.shape):
        if mask[rows, columns].all():
            continue
        top = max(0, rows.start - beside)
        known = mask[slice(top, min(rows.stop + beside, height)), columns]
        if not known.any() or depth(known, slice(rows.start - top, rows.stop - top)) > limit:
            return True
    return False
