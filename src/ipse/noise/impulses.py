"""Impulse noise: single pixels at 0 or 1, independent of the picture (salt and pepper, hot and dead pixels).

    y_i = 1 with probability p, else x_i         (salt; pepper is salt of 1 − y)

So they stand out from their neighbours where others do not, fall as often in dark surroundings as in bright ones,
beside each other no more and no less often than chance has it, and in every part of the picture. Strokes, codes,
dithers, stars and clipped noise fail in one of these, each of which is judged with the spread that chance leaves it.
Pixels between the ends must be there to judge from: a picture in black and white has none.

Of the pixels at 1 in surroundings of brightness r, the share p / P(y = 1 | r) are impulses; the rest is the picture.
"""

from dataclasses import dataclass, replace
from math import comb

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ipse.noise.surroundings import FREE, is_end, mean_around, neighbours, surroundings

FAR = 0.2  # from the surroundings, at the least: no longer the picture …
NOISY = 5.0  # … or so many times as far as ordinary pixels are
QUIET = 0.12  # the distance of ordinary pixels from their surroundings, at most
LEAST = 0.001  # of the pixels: fewer are the picture's own …
TOLD = 0.003  # … of which clean ones of set9 had up to 0.002
MOST = 0.65  # of the pixels, both kinds together: more leave no picture
FEWEST = 16  # impulses: fewer tell nothing of chance
SEEN = 0.1  # of the picture: how much must lie between the ends for impulses to be judged there
RARER = 3  # times as rare must pixels be that stand out as far, but are not at the end
BESIDE = 0.15  # so near the end are others …
RARE = 20  # … hardly ever, so many times as rare, where impulses stand out from few of their neighbours
CHANCE = 4.0  # standard deviations …
TOGETHER = 24.5  # … and what the squares of four numbers of standard deviations add up to as rarely
OWN, PICTURE = 0.1, 0.004  # of the pixels at the end, and of all pixels, may be the picture's own
COUNTS = 8  # of photons at most, of which a channel's values can be and its ends no impulses
BLOCK = 16  # pixels a side
BINS = 20  # of the surroundings' brightness
SURE = 0.75  # of the pixels at the end must be impulses, for one of them to be taken for it …
WEIGHT = (
    400  # … to which as many pixels more are counted that are impulses as often as any: some bins are small
)
STEPS = {4: ((0, 1), (1, 0)), 2: ((1, 1), (1, -1))}  # down and right, to neighbours who share so many


def impulses(y: Tensor, *, told: bool = False) -> Tensor:
    """Detect the impulses of a picture (1, C, H, W) in [0, 1], in any channel: bool (1, 1, H, W).

    Args:
        y: the picture.
        told: whether the user says that there are impulses; fewer checks are then applied.
    """
    hit = torch.zeros(1, 1, *y.shape[-2:], dtype=torch.bool)
    if min(y.shape[-2:]) < 3:
        return hit.to(y.device)
    views = [_View.of(plane) for plane in y[0].cpu()]
    for side in (views, [view.inverted() for view in views]):
        shares = [view.share for view in side if view.has_salt(told=told)]
        for view in side if shares else ():
            hit[0, 0] |= view.salt(sum(shares) / len(shares))
    return hit.to(y.device)


def filled(y: Tensor, hit: Tensor) -> Tensor:
    """The picture with the impulses ``hit`` (1, 1, H, W) replaced by their surroundings."""
    around = torch.stack([surroundings(plane)[0] for plane in y[0].cpu()])[None].to(y.device)
    return torch.where(hit, around, y)


@dataclass(frozen=True, eq=False)
class _View:
    """A channel (H, W), and the surroundings of each pixel."""

    plane: Tensor
    around: Tensor  #: brightness of the surroundings
    seen: Tensor  #: where neighbours between the ends tell it
    usual: float  #: the distance of ordinary pixels from their surroundings

    @classmethod
    def of(cls, plane: Tensor) -> "_View":
        """Compute the surroundings of a channel."""
        around, seen = surroundings(plane)
        ordinary = (plane - around)[seen & ~is_end(plane)].abs()
        return cls(plane, around, seen, float(ordinary.mean()) if len(ordinary) else 1.0)

    def inverted(self) -> "_View":
        """The negative, whose salt is pepper."""
        return replace(self, plane=1 - self.plane, around=1 - self.around)

    @property
    def end(self) -> Tensor:
        """The pixels at 1."""
        return self.plane >= 1

    @property
    def far(self) -> float:
        """The smallest distance from the surroundings that ordinary pixels do not reach."""
        return max(FAR, NOISY * self.usual)

    @property
    def place(self) -> Tensor:
        """Where a pixel at 1 would stand out."""
        return self.seen & (self.around < 1 - self.far)

    @property
    def share(self) -> float:
        """p, the fraction of these pixels that are at 1."""
        return float(self.end[self.place].float().mean()) if bool(self.place.any()) else 0.0

    def has_salt(self, *, told: bool) -> bool:
        """Whether the pixels at 1 are impulses."""
        return (
            int((self.end & self.place).sum()) >= FEWEST
            and self.share >= (TOLD if told else LEAST)
            and self._stands_out()
            and self._are_apart()
            and (told or self._is_a_picture())
            and (told or self._is_at_any_brightness())
            and (told or self._are_all_over())
        )

    def _is_a_picture(self) -> bool:
        """Whether the pixels between the ends form a picture, and are enough to judge by."""
        return (
            self.usual < QUIET
            and int(self.place.sum()) >= SEEN * self.place.numel()
            and float(is_end(self.plane)[self.place].float().mean()) <= MOST
            and not _is_counted(self.plane)
        )

    def salt(self, share: float) -> Tensor:
        """The pixels at 1 that are likely to be impulses, given the fraction of impulses."""
        bins = (self.around * BINS).long().clamp(0, BINS - 1).flatten()
        ends, total = (
            torch.bincount(bins, part.float().flatten(), BINS)
            for part in (self.end, torch.ones_like(self.plane))
        )
        every = (ends + WEIGHT * share) / (total + WEIGHT)
        return self.end & (share > SURE * every)[bins].view_as(self.end)

    def _stands_out(self) -> bool:
        """Whether pixels at 1, but hardly any others, are far brighter than all of their neighbours.

        With noise, an impulse may have a bright neighbour, but then no other pixel comes near the end by chance.
        """
        end, free = self.place & self.end, self.place & ~is_end(self.plane)
        brightest = neighbours(torch.where(is_end(self.plane), 0.0, self.plane)).amax(0)
        out = self.plane - brightest > self.far
        beside = free & (self.plane - self.around > self.far) & (self.plane > 1 - BESIDE)
        count, sure = int(end.sum()), int((out & end).sum())
        return sure >= RARER * int((out & free).sum()) and (
            sure >= count / RARER or int(beside.sum()) <= count / RARE
        )

    def _is_at_any_brightness(self) -> bool:
        """Whether those at the end have surroundings, all of the pixels there, as bright as others have."""
        light = (49 * mean_around(self.plane, 7) - self.plane) / 48
        every, hit = light[self.place], light[self.place & self.end]
        slack = CHANCE / len(hit) ** 0.5 + 2 * _own(self.share)
        return abs(float(hit.mean() - every.mean())) <= slack * float(every.std()) + 1e-6

    def _are_apart(self) -> bool:
        """Whether those at the end have each other for neighbours, beside and across, as often as chance has it."""
        hit, ends = self.place & self.end, float(is_end(self.plane)[self.place].float().mean())
        slack = _own(self.share) * int(hit.sum())
        away: list[Tensor] = []
        for shared, steps in STEPS.items():
            pairs, both = (
                torch.tensor([_pairs(part, *step) for step in steps]) for part in (self.place, hit)
            )
            expected = self.share**2 * _rarer(ends, shared) * pairs
            away.append(((both - expected).abs() - slack).clamp_min(0) / (expected + 1).sqrt())
        each = torch.cat(away)
        return float(each.max()) <= CHANCE and float(each.square().sum()) <= TOGETHER

    def _are_all_over(self) -> bool:
        """Whether the numbers at the end in blocks scatter about their mean as binomial ones do."""
        height, width = (side // BLOCK * BLOCK for side in self.plane.shape)
        counts, sizes = (
            avg_pool2d(part[None, None, :height, :width].float(), BLOCK).flatten() * BLOCK**2
            for part in (self.place & self.end, self.place)
        )
        counts, sizes = counts[sizes > 0], sizes[sizes > 0]
        if len(sizes) < 2 or not bool(counts.any()):
            return True
        share = float(counts.sum() / sizes.sum())
        index = float(((counts - share * sizes) ** 2 / (share * (1 - share) * sizes)).mean())
        slack = CHANCE * (2 / len(sizes)) ** 0.5
        return 1 - slack <= index <= 1 + slack + _own(share) * float(counts.mean())


def _own(share: float) -> float:
    """How many of so many at the end may be the picture's own."""
    return min(OWN, PICTURE / share)


def _pairs(part: Tensor, down: int, right: int) -> int:
    """The number of pairs of pixels, so far from each other, that both are in a part (H, W)."""
    return int((part & part.roll((down, right), (0, 1)))[down:, 1:-1].sum())


def _is_counted(plane: Tensor) -> bool:
    """Whether the values are whole multiples of a large step: counts of few photons, or a few grays."""
    values = plane.unique()
    counts = values / values[values > 0].min()
    return len(values) <= COUNTS + 1 and bool(((counts - counts.round()).abs() < 0.05).all())


def _rarer(share: float, shared: int) -> float:
    """How much rarer two neighbours at the ends are where each has ``FREE`` that are not, of 8, some of them shared."""

    def chance(n: int, k: int) -> float:
        return comb(n, k) * share**k * (1 - share) ** (n - k)

    def most(k: int) -> float:  # of those that it does not share, nor is the other, at most k are at the ends
        return sum(chance(7 - shared, i) for i in range(k + 1))

    both = every = 0.0
    for k in range(shared + 1):
        more, fewer = most(8 - FREE - k), most(7 - FREE - k)
        both += chance(shared, k) * fewer**2
        every += chance(shared, k) * (share * fewer + (1 - share) * more) ** 2
    return both / every
