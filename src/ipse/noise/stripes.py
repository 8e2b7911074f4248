"""Stripes: offsets of whole rows or columns, as amplifiers and scanning heads leave them.

    y(r, c) = x(r, c) + s(r) + n(r, c),     h(r, c) = y(r, c) − mean over |k| ≤ REACH of y(r + k, c)

A weighted mean of h over a row is an estimate of s(r): flat surroundings have a large weight. Its errors come from the
picture, and differ between parts of the row. So the products of estimates from two segments have the mean s(r)²; their
median over rows ignores the few rows that an edge crosses from side to side.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

REACH = 4  # rows above and below, whose mean a row is compared with
SEGMENTS = 8
FAINT = 0.3 / 255  # deviation that is as good as none
SIDE = 128  # smallest width and height, in pixels
ROUNDS = 2  # the neighbours' own offsets are removed step by step; more rounds follow the picture
AROUND = 9  # side of a pixel's surroundings, in pixels
HALF = 0.455  # median of the square of a standard normal variable
# The following were chosen on half of Kodak's, McMaster's and BSD68's pictures, SIDD, CC15 and ten of PolyU's, and on
# 160 clean pictures of tests/clean.py; docs/decisions/enhance.md
VISIBLE = (1.0 / 255, 12 / 255)  # range of σ of offsets that are removed: patterns that are drawn have more
ALIKE = 0.6  # smallest σ of offsets, relative to the standard deviation between segments
VARIED = 0.2 / 255  # smallest deviation between segments: in a drawing of stripes, there is none
#: Range of the typical offset relative to the root mean square: a drawing has few large ones, a weave has equal ones.
EVEN = (0.63, 1.25)
SHARES = (0.6, 1.5)  # range of the offsets in a segment, relative to those in others: text has margins


class Stripes(NamedTuple):
    """Offsets of rows and columns."""

    rows: Tensor  #: (1, C, H, 1)
    columns: Tensor  #: (1, C, 1, W)

    @property
    def sigma(self) -> float:
        """The root mean square of the offsets."""
        return float((self.rows.square().mean() + self.columns.square().mean()).sqrt())

    @property
    def said(self) -> str:
        """Describe the stripes in a few words for the user."""
        where = [
            name for name, offsets in (("rows", self.rows), ("columns", self.columns)) if bool(offsets.any())
        ]
        return f"stripes: {' and '.join(where)} are off by {255 * self.sigma:.1f} of 255"

    def without(self, y: Tensor) -> Tensor:
        """Remove the offsets from a picture (1, C, H, W); black and white samples, which were clipped, stay."""
        return torch.where((y <= 0) | (y >= 1), y, y - self.rows - self.columns)


def stripes(y: Tensor) -> Stripes | None:
    """Find the stripes of a picture (1, C, H, W) in [0, 1]; None if there are none, or it is too small."""
    if min(y.shape[-2:]) < SIDE:
        return None
    rows, columns = offsets(y[0]), offsets(y[0].mT)  # the one is not affected by the other
    if rows is None and columns is None:
        return None
    return Stripes(
        torch.zeros_like(y[..., :1]) if rows is None else rows,
        torch.zeros_like(y[..., :1, :]) if columns is None else columns.mT,
    )


def offsets(y: Tensor) -> Tensor | None:
    """The offsets (1, C, H, 1) of the rows of a picture (C, H, W); None where there are none."""
    if not _are_everywhere(_by_segment(y)):
        return None
    found = torch.zeros_like(y[..., :1])
    for _ in range(ROUNDS):
        high, weight = _weighted(y - found)
        found = found + high.sum(-1, keepdim=True) / weight.sum(-1, keepdim=True)
    return found[None]


def _are_everywhere(parts: Tensor) -> bool:
    """Whether the same offsets are seen in each of the segments (SEGMENTS, C, H), in many rows, and are visible."""
    products = (parts.sum(0).square() - parts.square().sum(0)) / (SEGMENTS * (SEGMENTS - 1))  # (C, H)
    typical = float((products.median(-1).values / HALF).clamp_min(0).mean()) ** 0.5
    usual = float(products.mean().clamp_min(0)) ** 0.5
    apart = float(parts.var(0).median(-1).values.mean()) ** 0.5
    if not VISIBLE[0] <= typical <= VISIBLE[1] or typical < ALIKE * apart or apart < VARIED:
        return False
    if not EVEN[0] * usual <= typical <= EVEN[1] * usual:
        return False
    others = (parts.sum(0) - parts) / (SEGMENTS - 1)
    along, across = (parts * others.sign()).flatten(1), others.abs().flatten(1)
    shares = along.median(-1).values / across.median(-1).values
    return SHARES[0] <= float(shares.min()) and float(shares.max()) <= SHARES[1]


def _by_segment(y: Tensor) -> Tensor:
    """The weighted mean of each row in each segment of columns: (SEGMENTS, C, H)."""
    high, weight = _weighted(y)
    return torch.stack(
        [a.sum(-1) / b.sum(-1) for a, b in zip(*(x.chunk(SEGMENTS, -1) for x in (high, weight)), strict=True)]
    )


def _weighted(y: Tensor) -> tuple[Tensor, Tensor]:
    """A picture (C, H, W) less the mean of the rows around each row, times its weight; and the weight."""
    height = y.shape[-2]
    wide = pad(y[None], (0, 0, REACH, REACH), mode="reflect")[0]
    near = [wide[:, k : k + height] for k in range(2 * REACH + 1) if k != REACH]
    high = y - torch.stack(near).mean(0)
    varying = high - high.median(-1, keepdim=True).values
    around = avg_pool2d(varying.square()[None], AROUND, 1, AROUND // 2, count_include_pad=False)[0]
    weight = 1 / (around + FAINT**2)
    return high * weight, weight
