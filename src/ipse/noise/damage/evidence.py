"""log P(scratch | features) − log P(scene | features), of each part of a stroke.

A scratch does not know the scene that it crosses. So its two sides agree, no other edge runs along it, other lines are
seldom parallel to it and seldom end on it, it is even, smooth and thin, and what lies beneath it varies. A wire, a
mast, a window's frame or a whisker fails one of these, most often the second: what is beside it runs along it.

The weights are those of a logistic regression on strokes of clean pictures and of drawn scratches;
docs/decisions/find.md says which, and ``python -m bench.weigh`` computes them.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.spatial import KDTree

from ipse.noise.damage.strokes import MIDDLE, OFFSETS, Stroke

Values = NDArray[np.float64]

PART, SEEN = 24, 60  # pixels of a part, and of what is looked at around its middle
BACKGROUND = 12  # of OFFSETS: what is beside, when the middle of a line is measured
SHOULDER = 0.2  # of a profile's height, where a line ends
NEAR = 60.0  # pixels around a part in which parallel lines are counted
ENDS = 9.0  # pixels from a stroke at which another one ends on it
THIN = 5.0  # pixels of width that are no evidence against a scratch

#: feature: (weight, mean, standard deviation)
WEIGHTS = {
    "length": (0.644, 4.572, 0.909),  # of the stroke
    "strength": (0.564, 2.216, 0.567),  # z
    "beside": (
        -0.430,
        -2.384,
        1.234,
    ),  # what is left beside the line in the stroke's mean profile, over its height
    "aligned": (-0.936, -2.514, 1.121),  # share of the gradients beside it that run along it
    "uneven": (-0.236, -1.170, 1.260),  # difference of the two sides, over the height
    "lopsided": (-0.546, 0.868, 0.951),  # difference of the two half widths
    "turning": (-0.453, -4.684, 0.765),  # angle a pixel
    "parallel": (-0.750, 1.442, 0.869),  # other lines near by, in the same direction
    "joints": (-0.383, 0.936, 0.796),  # other lines that end on it
    "broad": (-0.853, 3.686, 6.173),  # width beyond THIN, squared
    "varying": (0.656, -3.082, 0.819),  # standard deviation of what lies beneath
    "height": (0.458, -1.744, 0.640),
}
BIAS = -4.071


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a stroke."""

    stroke: int
    first: int  #: of its points
    last: int
    features: Values  #: in the order of WEIGHTS
    joints: int  #: ends of other strokes on its stroke

    @property
    def evidence(self) -> float:
        """For a scratch."""
        weight, mean, deviation = np.array(list(WEIGHTS.values())).T
        return float(weight @ ((self.features - mean) / deviation)) + BIAS


@dataclass(frozen=True)
class _Profile:
    """Means over a stretch of a stroke (C, n, offsets)."""

    height: float
    width: float
    lopsided: float
    uneven: float
    varying: float
    beside: float
    aligned: float


def parts(found: list[Stroke], y: Values) -> list[Part]:
    """Cut strokes of a picture (C, H, W) into parts."""
    joints, lines, made = _joints(found), _Lines.of(found), list[Part]()
    for index, stroke in enumerate(found):
        across, n = stroke.across(y), len(stroke.points)
        whole, cuts = (
            _profile(across, stroke.sign),
            np.linspace(0, n, max(1, round(n / PART)) + 1).astype(int),
        )
        for first, last in pairwise(cuts):
            middle = (first + last) // 2
            seen = slice(max(0, middle - SEEN // 2), middle + SEEN // 2)
            one, turns = _profile(across[:, seen], stroke.sign), stroke.turns[seen]
            features = [
                np.log(n),
                np.log(max(float(stroke.z[seen].mean()), 1.0)),
                np.log(max(whole.beside, 0.01)),
                np.log(max(whole.aligned, 0.01)),
                np.log(max(one.uneven, 0.01)),
                one.lopsided,
                np.log(max(float(turns.sum()) / (len(turns) + 1), 1e-3)),
                np.log1p(lines.parallel(index, stroke.points[middle], stroke.directions[middle]) / 40),
                np.log1p(joints[index]),
                max(0.0, one.width - THIN) ** 2,
                np.log(max(one.varying, 0.01)),
                np.log(max(one.height, 0.01)),
            ]
            made.append(Part(index, int(first), int(last), np.array(features), joints[index]))
    return made


def _profile(across: Values, sign: int) -> _Profile:
    """Measure a stretch of a stroke across it."""
    left, right = across[..., MIDDLE - BACKGROUND], across[..., MIDDLE + BACKGROUND]
    weight = (OFFSETS - OFFSETS[MIDDLE - BACKGROUND]) / (2 * OFFSETS[MIDDLE + BACKGROUND])
    line = left[..., None] * (1 - weight) + right[..., None] * weight
    mean = sign * (across - line).mean(1)
    core = mean[:, MIDDLE - 2 : MIDDLE + 3]
    profile = mean[core.max(1).argmax()]
    peak, top = max(float(core.max()), 1e-3), MIDDLE - 2 + int(core.max(0).argmax())
    halves = [_half(profile[top::way], SHOULDER * peak) for way in (-1, 1)]
    reach = [round(2 * (half + 1)) for half in halves]
    one = across[..., max(0, top - reach[0] - 1) : max(0, top - reach[0] - 1) + 2].mean(-1)
    other = across[..., top + reach[1] : top + reach[1] + 2].mean(-1)
    middle, beneath = across[..., top - 1 : top + 2].mean(-1), (one + other) / 2
    height = max(float(np.abs((middle - beneath).mean(1)).max()), 1e-3)
    out = np.abs(OFFSETS) >= max(halves) + 1.5
    return _Profile(
        height=height,
        width=sum(halves),
        lopsided=abs(halves[0] - halves[1]),
        uneven=float(np.abs((one - other).mean(1)).max()) / height,
        varying=float(uniform_filter1d(beneath, 5, axis=1, mode="nearest").std(1).mean()),
        beside=float(np.abs(profile[out & (np.abs(OFFSETS) <= 8.5)]).mean()) / peak,
        aligned=_aligned(across, out),
    )


def _half(profile: Values, level: float) -> float:
    """Pixels from a profile's top to where it is below a level; 5 if it is nowhere."""
    below = np.flatnonzero(profile[1:10] < level)
    return (int(below[0]) + 1 if len(below) else 10) / 2


def _aligned(across: Values, out: NDArray[np.bool_]) -> float:
    """Share of the energy of gradients across, that is in the gradient of the mean: 1/n by chance."""
    steps = 2 * np.diff(across, axis=2)[..., out[:-1] & out[1:]]
    return float((steps.mean(1) ** 2).mean() / max(float((steps**2).mean()), 1e-7))


@dataclass(frozen=True, eq=False)
class _Lines:
    """Points of all strokes, to look for what is near."""

    points: Values
    angles: Values
    strokes: NDArray[np.int64]
    tree: KDTree

    @classmethod
    def of(cls, found: list[Stroke], every: int = 4) -> "_Lines":
        points = np.concatenate([one.points[::every] for one in found])
        along = np.concatenate([one.directions[::every] for one in found])
        strokes = np.concatenate([np.full(len(one.points[::every]), i) for i, one in enumerate(found)])
        return cls(points, np.arctan2(along[:, 0], along[:, 1]), strokes, KDTree(points))

    def near(self, index: int, place: Values, radius: float) -> NDArray[np.int64]:
        """Points of other strokes."""
        found = np.array(self.tree.query_ball_point(place, radius), np.int64)
        return found[self.strokes[found] != index]

    def turned(self, near: NDArray[np.int64], along: Values) -> Values:
        """Angles from a direction, up to π / 2."""
        return np.abs((self.angles[near] - np.arctan2(along[0], along[1]) + np.pi / 2) % np.pi - np.pi / 2)

    def parallel(self, index: int, place: Values, along: Values) -> float:
        """Pixels of other strokes near by that run in the same direction."""
        near = self.near(index, place, NEAR)
        aside = np.abs((self.points[near] - place) @ np.array([along[1], -along[0]]))
        return 4.0 * int(((self.turned(near, along) < 0.2) & (aside > 5)).sum())


def _joints(found: list[Stroke]) -> list[int]:
    """How many ends of other strokes lie on each stroke, at an angle."""
    lines, count = _Lines.of(found, 2), [0] * len(found)
    for index, stroke in enumerate(found):
        for end, inner in ((0, 3), (-1, -4)):
            near = lines.near(index, stroke.points[end], ENDS)
            across = near[lines.turned(near, stroke.directions[inner]) > 0.55]
            for other in set(lines.strokes[across].tolist()):
                count[other] += 1
    return count
