"""d(p) = min |p − q| over known q: tells holes, which a network fills, from thin gaps, which similar patches fill."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from ipse.pictures import Known, Mask
from ipse.pictures.marks import windows

THIN = 6  # depth in pixels up to which a gap is thin; the network fills deeper ones
# Where known pixels are sparse everywhere, gaps are thin up to this multiple of their mean distance.
SPARSE = 2.75

Flags = NDArray[np.bool_]


def depth(known: Flags, rows: slice = slice(None)) -> int:
    """The largest distance in pixels from a missing pixel in ``rows`` to the nearest known pixel in any row."""
    from scipy.ndimage import distance_transform_edt  # here: most tasks need no SciPy

    distance = np.asarray(distance_transform_edt(~known))  # type: ignore[arg-type]  # SciPy types its options, not its use
    return round(float(np.max(distance[rows])))


def thin(missing: float) -> float:
    """The largest depth in pixels of a thin gap, given the fraction of missing pixels."""
    return max(THIN, SPARSE / max(1 - missing, 1e-6) ** 0.5)


def has_holes(mask: Mask | Known) -> bool:
    """Whether any gap is a hole. Works in bands, with as many extra rows on each side as are needed to decide."""
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
