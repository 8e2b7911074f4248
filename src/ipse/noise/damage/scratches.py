"""Scratches and hairs: the strokes whose evidence, summed along them, is beyond doubt.

Of each stroke the stretch with the largest sum is kept. A picture of which no stretch is certain is not scratched, and
nothing in it is marked; in one that is scratched, less certain stretches are marked as well.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from ipse.noise.damage.evidence import PART, WEIGHTS, Part, parts
from ipse.noise.damage.ridges import ridges
from ipse.noise.damage.size import large, shrunk_to_fit
from ipse.noise.damage.strokes import MIDDLE, OFFSETS, Stroke, strokes

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

ORDER = list(WEIGHTS)
PRIOR = 1.0  # added to the evidence of each part
LIKELY = 2.0  # sum of evidence of every stretch that is marked
CERTAIN = (
    0.05  # of one of them at least, times the root of the number of pixels: in a larger picture lines of the
)
LEAST = 8.0  # scene are longer and more; and in any picture
JOINTS = 4.0  # ends of other lines on 100 pixels of a certain one, at most: more are of a lattice
PARALLEL = 2.0  # of ``evidence.WEIGHTS``, of a certain stretch, at most: more are of a wall of bricks
SMALLEST = 32  # pixels of the shorter side
LEVEL, MORE = 0.25, 0.25  # of a profile's height, where a line ends, and pixels beyond that
SEEN = 4 / 255  # smallest height that is marked
FAINT = 0.15  # of the usual height of a stretch, below which it is broken


def scratches(y: NDArray[np.float32]) -> Flags:
    """Where a picture (C, H, W), on [0, 1], is scratched: (H, W)."""
    height, width = y.shape[1:]
    if min(height, width) < SMALLEST:
        return np.zeros((height, width), np.bool_)
    seen, factor = shrunk_to_fit(y)
    found = strokes(ridges(torch.from_numpy(seen)).double().numpy(), seen.astype(np.float64))
    marked = np.zeros(seen.shape[1:], np.bool_)
    certain = max(LEAST, CERTAIN * float(np.sqrt(marked.size)))
    for stretch in stretches(parts(found, seen.astype(np.float64)) if found else [], certain):
        _mark(marked, found[stretch[0].stroke], stretch, seen.astype(np.float64))
    return large(marked, factor, (height, width))


def stretches(cut: list[Part], least: float) -> list[list[Part]]:
    """The stretches of scratches; none if the evidence of no one of them is above the least that is certain."""
    groups: dict[int, list[Part]] = {}
    for part in cut:
        groups.setdefault(part.stroke, []).append(part)
    found = [best(group) for group in groups.values()]
    lengths = {stroke: group[-1].last for stroke, group in groups.items()}
    certain = (kept for total, kept in found if total > least)
    if not any(is_alone(kept, lengths[kept[0].stroke]) for kept in certain):
        return []
    return [kept for total, kept in found if total > LIKELY]


def best(group: list[Part]) -> tuple[float, list[Part]]:
    """The stretch with the largest sum of evidence, and that sum."""
    total, kept, running, start = 0.0, list[Part](), 0.0, 0
    for i, part in enumerate(group):
        if running <= 0:
            running, start = 0.0, i
        running += (part.evidence + PRIOR) * (part.last - part.first) / PART
        if running > total:
            total, kept = running, group[start : i + 1]
    return total, kept


def is_alone(stretch: list[Part], length: int) -> bool:
    """Whether a stretch of a stroke of so many pixels is no part of a lattice or a pattern of lines."""
    parallel = np.mean([part.features[ORDER.index("parallel")] for part in stretch])
    return 100 * stretch[0].joints <= JOINTS * length and bool(parallel <= PARALLEL)


def _mark(marked: Flags, stroke: Stroke, stretch: list[Part], y: Values) -> None:
    """Mark the pixels of a stretch, as far to each side as the profile there says."""
    rows = slice(stretch[0].first, stretch[-1].last)
    one = Stroke(stroke.points[rows], stroke.z[rows], stroke.sign)
    if len(one.points) < 2:
        return
    heights, ends = _ends(one, y)
    on = (heights > FAINT * float(np.median(heights))) & (heights > SEEN)
    n = len(heights)
    fine = np.linspace(0, n - 1, 2 * n - 1)
    points, normals = (
        np.stack([np.interp(fine, np.arange(n), part[:, i]) for i in (0, 1)], 1)
        for part in (one.points, one.normals)
    )
    low, high = (np.interp(fine, np.arange(n), end) for end in ends)
    offsets = np.arange(OFFSETS[0], OFFSETS[-1], 0.4)
    inside = (offsets >= low[:, None]) & (offsets <= high[:, None]) & on[np.rint(fine).astype(int)][:, None]
    places = np.rint((points[:, None] + offsets[None, :, None] * normals[:, None])[inside]).astype(int)
    places = places[((places >= 0) & (places < marked.shape)).all(1)]
    marked[places[:, 0], places[:, 1]] = True


def _ends(stroke: Stroke, y: Values) -> tuple[Values, tuple[Values, Values]]:
    """Along a stroke: its height, and the offsets between which it differs from what is beside it."""
    across = stroke.across(y)
    left, right = (
        across[..., MIDDLE - 14 : MIDDLE - 9].mean(-1),
        across[..., MIDDLE + 10 : MIDDLE + 15].mean(-1),
    )
    weight = (OFFSETS + 6) / 12
    away = stroke.sign * (across - (left[..., None] * (1 - weight) + right[..., None] * weight))
    away = uniform_filter1d(away, 9, axis=1, mode="nearest")
    core = away.mean(1)[:, MIDDLE - 3 : MIDDLE + 4].max(1)
    profile = away[core >= core.max() - 0.5 * abs(core.max())].mean(0)
    heights, tops = (
        profile[:, MIDDLE - 3 : MIDDLE + 4].max(1),
        MIDDLE - 3 + profile[:, MIDDLE - 3 : MIDDLE + 4].argmax(1),
    )
    level = LEVEL * np.maximum(heights, 0.3 * float(np.median(heights)))
    found = np.array([_between(*one) for one in zip(profile, tops, level, strict=True)])
    sides = list[Values]()
    for side, beyond in ((0, -MORE), (1, MORE)):
        smooth = median_filter(OFFSETS[found[:, side]], 15, mode="nearest")
        usual = float(np.median(smooth))
        sides.append(np.clip(smooth, usual - 0.75, usual + 0.75) + beyond - np.sign(beyond) * 0.25)
    return heights, (sides[0], sides[1])


def _between(profile: Values, top: int, level: float) -> tuple[int, int]:
    """The first and the last offset around the top that are above a level."""
    low = high = int(top)
    while low > MIDDLE - 10 and profile[low - 1] > level:
        low -= 1
    while high < MIDDLE + 10 and profile[high + 1] > level:
        high += 1
    return low, high
