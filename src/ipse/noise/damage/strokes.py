"""Strokes: paths along which z(θ, x) stays large, each followed from its strongest place in both ways.

A path bends by at most one direction a step, bridges gaps, and is then moved onto the middle of its line.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, map_coordinates, maximum_filter, uniform_filter1d

from ipse.noise.damage.ridges import DIRECTIONS, angles

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

HIGH, LOW = 7.5, 4.0  # z where a path begins, and where it ends
STEP = 3  # pixels
GAP = 21  # pixels that are bridged
FEWEST = 7  # steps of a path
MOST = 400  # paths of a picture
LONGEST = 600  # steps
REACH = 10  # pixels to each side of a path that are looked at
OFFSETS = np.arange(-REACH, REACH + 0.01, 0.5)
MIDDLE = len(OFFSETS) // 2
WIDE = 6  # of OFFSETS: what is beside a line, when its middle is sought


@dataclass(frozen=True, eq=False)
class Stroke:
    """A path."""

    points: Values  #: (n, 2), a pixel apart
    z: Values  #: (n,)
    sign: int  #: 1 for a bright line, −1 for a dark one

    @property
    def directions(self) -> Values:
        """Unit vectors (n, 2) along it."""
        along = np.gradient(self.points, axis=0)
        return along / np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]

    @property
    def normals(self) -> Values:
        """Unit vectors (n, 2) across it."""
        along = self.directions
        return np.stack([along[:, 1], -along[:, 0]], 1)

    @property
    def turns(self) -> Values:
        """The angle (n − 1,) by which it turns at each point."""
        along = self.directions
        return np.abs(np.diff(np.unwrap(np.arctan2(along[:, 0], along[:, 1]))))

    def across(self, y: Values) -> Values:
        """The picture (C, H, W) across the path: (C, n, len(OFFSETS))."""
        places = self.points[:, None] + OFFSETS[None, :, None] * self.normals[:, None]
        return np.stack(
            [map_coordinates(one, [places[..., 0], places[..., 1]], order=1, mode="nearest") for one in y]
        )


def strokes(z: Values, y: Values) -> list[Stroke]:
    """The paths in z (directions, H, W) of a picture y (C, H, W), the strongest first."""
    size, strongest = np.abs(z), np.abs(z).max(0)
    direction = size.argmax(0)
    used, found = np.zeros(z.shape, np.bool_), list[Stroke]()
    rows, columns = np.nonzero((strongest == maximum_filter(strongest, 5)) & (strongest > HIGH))
    for i in np.argsort(-strongest[rows, columns], kind="stable"):
        row, column = int(rows[i]), int(columns[i])
        k = int(direction[row, column])
        if used[k, row, column]:
            continue
        sign = 1 if z[k, row, column] > 0 else -1
        before, after = (_walk(z, (row, column, k), sign, way) for way in (-1, 1))
        steps = [*before[::-1], (row, column, k, size[k, row, column]), *after]
        _use(used, steps)
        if len(steps) >= FEWEST:
            found.append(_centred(_even(np.array(steps), sign), y))
        if len(found) == MOST:
            break
    return found


Step = tuple[float, float, int, float]


def _walk(z: Values, start: tuple[float, float, int], sign: int, way: int) -> list[Step]:
    """The steps from a place, in one way, to where z is small for too long."""
    (row, column, k), turned = start, angles()
    down, right = way * np.sin(turned[k]), way * np.cos(turned[k])
    taken, bridge = list[Step](), list[Step]()
    while len(taken) < LONGEST:
        best = _next(z, (row, column, k), (down, right), sign, straight=bool(bridge))
        if best is None:
            break
        value, at, towards = best
        if value > LOW:
            (row, column, k), bridge, taken = at, [], [*taken, *bridge]
            down, right = (down + towards[0]) / 2, (right + towards[1]) / 2
            length = np.hypot(down, right)
            down, right = down / length, right / length
            taken.append((row, column, k, value))
        else:
            row, column = row + STEP * down, column + STEP * right
            bridge.append((row, column, k, 0.0))
            if STEP * len(bridge) > GAP:
                break
    return taken


def _next(
    z: Values, at: tuple[float, float, int], towards: tuple[float, float], sign: int, *, straight: bool
) -> tuple[float, tuple[float, float, int], tuple[float, float]] | None:
    """The best of the next places: z, place and direction; None outside of the picture."""
    best, turned, (height, width) = None, angles(), z.shape[1:]
    for turn in (0,) if straight else (-1, 0, 1):
        k = (at[2] + turn) % DIRECTIONS
        down, right = float(np.sin(turned[k])), float(np.cos(turned[k]))
        if down * towards[0] + right * towards[1] < 0:
            down, right = -down, -right
        for aside in (-1, 0, 1):
            row = at[0] + STEP * down + aside * right
            column = at[1] + STEP * right - aside * down
            i, j = round(row), round(column)
            if not (0 <= i < height and 0 <= j < width):
                continue
            value = (
                float(sign * z[k, i, j]) - 0.05 * abs(aside) - 0.02 * abs(turn)
            )  # straight on, all else alike
            if best is None or value > best[0]:
                best = (value, (row, column, k), (down, right))
    return best


def _use(used: Flags, steps: list[Step]) -> None:
    """Mark what lies on a path, in about its direction."""
    for row, column, k, _ in steps:
        near = (slice(max(0, int(row) - 4), int(row) + 5), slice(max(0, int(column) - 4), int(column) + 5))
        for turn in (-2, -1, 0, 1, 2):
            used[(k + turn) % DIRECTIONS, *near] = True


def _even(steps: Values, sign: int) -> Stroke:
    """Points a pixel apart, of smoothed steps."""
    smooth = gaussian_filter1d(steps[:, :2], 1.5, axis=0, mode="nearest")
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
    t = np.linspace(0, along[-1], max(8, int(along[-1]) + 1))
    points = np.stack([np.interp(t, along, smooth[:, i]) for i in (0, 1)], 1)
    return Stroke(points, np.interp(t, along, steps[:, 3]), sign)


def _centred(stroke: Stroke, y: Values) -> Stroke:
    """The path, moved by up to 2 pixels onto the middle of its line."""
    profile = uniform_filter1d(stroke.sign * stroke.across(y), 11, axis=1, mode="nearest")
    height = np.full(profile.shape, -1.0)
    beside = np.maximum(profile[..., 2 * WIDE :], profile[..., : -2 * WIDE])
    height[..., WIDE:-WIDE] = profile[..., WIDE:-WIDE] - beside
    near = np.where(np.abs(OFFSETS) <= 2, height.max(0) - 0.002 * np.abs(OFFSETS), -1.0)
    shift = gaussian_filter1d(OFFSETS[near.argmax(1)], 4, mode="nearest")
    points = gaussian_filter1d(stroke.points + shift[:, None] * stroke.normals, 3, axis=0, mode="nearest")
    return Stroke(points, stroke.z, stroke.sign)
