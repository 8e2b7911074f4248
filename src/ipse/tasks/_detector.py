"""The element c onto which the axis of rotation falls, from the projections y(θ, t) of an object that is not known.

If all of the object is in view, the centre of mass of a view is that of the object: c + a cos θ + b sin θ. Otherwise,
two views from opposite sides mirror each other about c.

Helgason, "The Radon transform on Euclidean spaces, compact two-point homogeneous spaces and Grassmann manifolds", 1965,
https://doi.org/10.1007/BF02391776
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

OPPOSITE = 1.5  # degrees by which two opposite views may miss half a turn
FEWEST, SPAN = 8, 90.0  # views, and degrees that they cover, from which centres of mass tell the axis
EDGE = 0.03  # of the detector, at either end, shows air
EVEN = 0.02  # relative spread of the mass of views which show all of the object
ERRORS = 3.0  # standard errors within which the axis is taken to be in the middle


def axis_of(y: NDArray[np.floating[Any]], angles: NDArray[np.float64]) -> float | None:
    """The element of the axis for projections (views, elements) at angles in degrees; None if it cannot be told.

    None is the middle of the detector, too, if the data do not speak against it.
    """
    found = _of_masses(y.astype(np.float64), np.deg2rad(angles))
    return _opposite(y, angles) if found is None else None if found == (y.shape[1] - 1) / 2 else found


def _of_masses(y: NDArray[np.float64], turns: NDArray[np.float64]) -> float | None:
    """The axis from the centres of mass; None unless all of the object is in view. What air adds is subtracted."""
    views, elements = y.shape
    if views < FEWEST or elements < FEWEST or np.ptp(turns) < np.deg2rad(SPAN):
        return None
    place, width = np.arange(elements), max(1, round(EDGE * elements))
    sides = y[:, :width], y[:, -width:]
    ends = [float(np.median(side)) for side in sides]
    seen = y - np.interp(place, [width / 2, elements - 1 - width / 2], ends)
    mass = seen.sum(1)
    top = float(np.abs(seen).max())
    if not mass.mean() > 0 or mass.std() > EVEN * mass.mean() or max(map(abs, ends)) > EVEN * top:
        return None
    waves = np.stack([np.ones(views), np.cos(turns), np.sin(turns)], 1)
    centres = (seen * place).sum(1) / mass
    found = np.linalg.lstsq(waves, centres, rcond=None)[0]
    # the error of the slope of what is subtracted
    slope = np.hypot(*(side.std() / side.size**0.5 for side in sides))
    shift = slope * elements**2 / 12 / mass.mean()
    share = np.linalg.inv(waves.T @ waves)[0, 0] ** 0.5
    doubt = ERRORS * np.hypot((centres - waves @ found).std() * share, shift)
    middle = (elements - 1) / 2
    return middle if abs(found[0] - middle) <= max(doubt, 1e-3) else float(found[0])


def _opposite(y: NDArray[np.floating[Any]], angles: NDArray[np.float64]) -> float | None:
    """The axis, to a quarter of an element, if there are two views of which one is the other one mirrored about it."""
    apart = np.abs(np.abs(angles[:, None] - angles[None]) - 180)
    one, other = np.unravel_index(int(apart.argmin()), apart.shape)
    elements = y.shape[1]
    if apart[one, other] > OPPOSITE or elements < 8 or not np.ptp(y[one]):
        return None
    place, first, mirrored = np.arange(elements), y[one], y[other]

    def misfit(axis: float) -> float:
        at = 2 * axis - place
        inside = (at >= 0) & (at <= elements - 1)
        if inside.sum() < elements / 2:
            return np.inf
        return float(np.mean((np.interp(at[inside], place, mirrored) - first[inside]) ** 2))

    return min(np.arange(elements / 4, 3 * elements / 4, 0.25).tolist(), key=misfit)
