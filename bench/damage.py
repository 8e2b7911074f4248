"""Scratches, hairs and dust, drawn on a clean picture: what ``bench.find`` looks for.

    y = (1 − a) ⊙ x + a ⊙ c,     a the opacity of the damage, c its own colour, which does not depend on x.

Everything depends on the seed alone. A stroke is a smooth path of its own width, with soft edges, partly faint and
broken; a speck is an irregular disc. Pixels that were covered, but changed by less than ``SEEN``, are neither damaged
nor clean: nobody could find them, and nobody needs to.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import KDTree

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
Kind = Literal["scratches", "dust"]
SEEN = 4 / 255  # smallest change of a sample that counts as damage
STEP = 0.25  # pixels between the points of a path


@dataclass(frozen=True)
class Damaged:
    """A picture with drawn damage."""

    pixels: NDArray[np.float32]  #: (C, H, W), on [0, 1]
    hit: Flags  #: (H, W), where it is damaged
    unseen: Flags  #: (H, W), covered, but hardly changed


def damaged(clean: NDArray[np.float32], kind: Kind, seed: int) -> Damaged:
    """Draw scratches (and hairs), or dust, on a picture (C, H, W); rounded to 8 bits."""
    draw = np.random.default_rng(seed)
    x = clean.astype(np.float64)
    y, cover = x.copy(), np.zeros(x.shape[1:])
    for opacity, colour in scratches(x.shape, draw) if kind == "scratches" else dust(x.shape, draw):
        y = (1 - opacity) * y + opacity * colour[:, None, None]
        cover = np.maximum(cover, opacity)
    y = np.rint(255 * y) / 255
    change = np.abs(y - x).max(0)
    return Damaged(y.astype(np.float32), change > SEEN, (cover > 0) & (change <= SEEN))


def scratches(shape: tuple[int, ...], draw: np.random.Generator) -> list[tuple[Values, Values]]:
    """Opacity (H, W) and colour (C,) of four to eight scratches, and up to two hairs."""
    kinds = list(draw.choice(["straight", "curved", "film"], draw.integers(4, 9), p=[0.4, 0.35, 0.25]))
    kinds += ["hair"] * int(draw.integers(0, 3))
    return [
        (stroke(path(kind, shape[1:], draw), shape[1:], kind, draw), colour(shape[0], draw)) for kind in kinds
    ]


def dust(shape: tuple[int, ...], draw: np.random.Generator) -> list[tuple[Values, Values]]:
    """Opacity (H, W) and colour (C,) of 15 to 40 specks, 2 to 15 pixels across."""
    return [(speck(shape[1:], draw), colour(shape[0], draw)) for _ in range(int(draw.integers(15, 41)))]


def path(kind: str, size: tuple[int, ...], draw: np.random.Generator) -> Values:
    """Points (n, 2) of a stroke's way, ``STEP`` apart."""
    height, width = size
    if kind == "film":
        length, angle = height * draw.uniform(0.5, 1.2), np.pi / 2 + draw.normal(0, 0.01)
        column, row = draw.uniform(0, width), height * (0.5 + draw.uniform(-0.25, 0.25))
        middle = np.array([row, column])
    else:
        length = draw.uniform(20, 60) if kind == "hair" else min(size) * draw.uniform(0.2, 1.0)
        angle, middle = draw.uniform(0, np.pi), draw.uniform(0.1, 0.9, 2) * size
    t = np.linspace(-0.5, 0.5, max(8, int(length / STEP)))
    bend = {"film": 0.002, "straight": 0.004, "curved": 0.08, "hair": 0.3}[kind]
    aside = length * bend * (draw.normal() * (0.25 - t**2) * 4 + draw.normal() * np.sin(2 * np.pi * t) / 2)
    along, across = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
    return middle + length * t[:, None] * along + aside[:, None] * across


def stroke(points: Values, size: tuple[int, ...], kind: str, draw: np.random.Generator) -> Values:
    """The opacity (H, W) of a stroke: 1 to 4 pixels wide, faint in places, broken up to three times."""
    n = len(points)
    wide = draw.uniform(1, 2) if kind == "hair" else draw.uniform(1, 4)
    t = np.linspace(0, 1, n)
    taper = np.minimum(1, np.minimum(t, 1 - t) / draw.uniform(0.02, 0.15))
    widths = wide * (0.5 + 0.5 * taper) * (1 + 0.15 * _wander(n, 60, draw))
    strength = draw.uniform(0.45, 1) * np.clip(1 + 0.4 * np.minimum(0, _wander(n, 200, draw)), 0.2, 1)
    for _ in range(0 if kind == "hair" else int(draw.integers(0, 4))):
        start, gap = int(draw.integers(0, n)), int(draw.uniform(5, 25) / STEP)
        strength[start : start + gap] = 0
    strength = gaussian_filter1d(strength, 1 / STEP)
    rows, columns = np.mgrid[: size[0], : size[1]]
    places = np.stack([rows.ravel(), columns.ravel()], 1)
    far, nearest = KDTree(points).query(places, distance_upper_bound=5)
    nearest = np.minimum(nearest, n - 1)
    soft = draw.uniform(1, 1.6)
    inside = np.clip((widths[nearest] / 2 + soft / 2 - far) / soft, 0, 1)
    return (inside * strength[nearest]).reshape(size[0], size[1])


def speck(size: tuple[int, ...], draw: np.random.Generator) -> Values:
    """The opacity (H, W) of a speck: a disc whose radius varies, with soft edges."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    row, column = draw.uniform(0, 1, 2) * size
    radius = np.exp(draw.uniform(np.log(1), np.log(7.5)))
    turn, away = np.arctan2(rows - row, columns - column), np.hypot(rows - row, columns - column)
    waves = sum(draw.normal(0, 0.25 / k) * np.cos(k * turn + draw.uniform(0, 2 * np.pi)) for k in (2, 3, 4))
    inside = np.clip(radius * (1 + waves) - away + 0.5, 0, 1)
    return inside * draw.uniform(0.6, 1)


def colour(channels: int, draw: np.random.Generator) -> Values:
    """A colour (C,): light, dark, or of one hue."""
    kind = draw.choice(["light", "dark", "hue"], p=[0.55, 0.25, 0.2])
    if kind == "light":
        return np.clip(draw.uniform(0.85, 1) + draw.normal(0, 0.02, channels), 0, 1)
    if kind == "dark":
        return np.clip(draw.uniform(0, 0.12) + draw.normal(0, 0.02, channels), 0, 1)
    hue = draw.uniform(0, 1, channels)
    return (hue - hue.min()) / max(float(np.ptp(hue)), 1e-6) if channels > 1 else draw.choice([0.0, 1.0], 1)


def _wander(n: int, pixels: float, draw: np.random.Generator) -> Values:
    """Smooth noise of standard deviation 1 along a path: eight waves, the shortest ``pixels`` long."""
    s = STEP * np.arange(n)
    waves = pixels * draw.uniform(1, 4, 8)
    turns = draw.uniform(0, 2 * np.pi, 8)
    return np.cos(2 * np.pi * s[:, None] / waves + turns).sum(1) / 2
