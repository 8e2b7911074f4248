"""Finds the coarser JPEG that a picture was before its file was made: c₂ q₂ = c₁ q₁ + e.

On the same grid, e is the rounding of the decoded picture, and the file's integers c₂ leave gaps between the multiples
of q₁. On another grid (a picture that was cropped and saved again), e is the quantisation error of the file, which is
nearly normal, and the coefficients of that grid are near multiples of q₁. Both are likelihood ratios against a Laplace
distribution of the coefficients, as in ``jpeg_estimate``.

Lukáš and Fridrich 2003, Estimation of primary quantization matrix in double compressed JPEG images.
"""

from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr
from torch import Tensor

from ipse.engine.operators.dct import SIDE
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.operators.jpeg_estimate import BINS, QUALITIES, SPOILT, JpegTrace, comb, histograms, luma
from ipse.pictures.jpeg import standard_table

Array = NDArray[np.float64]
# Chosen on crops of kodim02, 06, 10, 14, 18 and 22 saved once (qualities 50 to 95) and twice (30 to 75, then 50 to 95).
COARSER = 1.25  # least ratio of the steps: below it, every multiple has its integer
ROUNDING = 0.45  # σ of a coefficient of a picture that was rounded to levels and converted between colours
EVIDENCE = 40.0  # nats
CLEAR = 100.0  # nats more than on any third grid, and at least as many more as that has
FINE = 70  # quality of the last compression, below which its error hides another grid (Lena, once at 20, was misjudged)
SHARE = 0.1  # nats a coefficient; it was 0 for files saved once, and 0.26 and more for those saved twice
LITTLE, MUCH = (
    0.01,
    0.35,
)  # share of the evidence that is not believed against usual qualities, on either grid
MOST = 40  # largest integer that is looked at
FEW = 20  # coefficients of a band, below which it says nothing
LOW = [SIDE * row + column for row, column in np.ndindex(SIDE, SIDE) if 0 < row + column <= 6]  # frequencies
WINDOW = 256  # pixels of a side that are searched for another grid
REACH = 100  # levels; coefficients beyond are few
FAR = 2.5  # σ from which a coefficient is told from zero
CONSISTENT = 0.9  # least share of a band's coefficients near multiples of q₁ for these to be believed


def find_first(cells: JpegCells, x: Tensor) -> JpegTrace | None:
    """The coarser JPEG that a JPEG of gray or colour was made from; None if there is no trace of one.

    Args:
        cells: of the file.
        x: the decoded file (1, C, H, W) in [0, 1].
    """
    if len(cells.components) not in (1, 3) or x.shape[1] not in (1, 3):
        return None
    integers = cells.get_buffer("integers0").cpu().round().long().abs().reshape(-1, SIDE * SIDE).numpy()
    step = cells.get_buffer("step0").cpu().double().numpy()
    tables = np.stack([standard_table(int(quality)) for quality in QUALITIES])
    on_grid = _same_grid(integers, step, tables)
    if on_grid is not None:
        return on_grid
    sizes = tables[:, 1:].mean((1, 2))
    if step[1:].mean() > sizes[QUALITIES == FINE].item():
        return None
    coarser = sizes > COARSER * step[1:].mean()
    return _other_grid(x[0].cpu(), error(cells), tables[coarser], QUALITIES[coarser])


def error(cells: JpegCells) -> float:
    """σ of the quantisation error of luma, in levels, of coefficients with a Laplace distribution."""
    step: Tensor = cells.get_buffer("step0")
    integers: Tensor = cells.get_buffer("integers0").round()
    alive = (integers != 0).float().mean((0, 1)).clamp(1e-4, 0.99)  # exp(−q / 2b), b the scale
    return float(torch.minimum(step.square() / 12, step.square() / 2 / alive.log().square()).mean().sqrt())


def _same_grid(integers: NDArray[np.int64], step: Array, tables: NDArray[np.uint16]) -> JpegTrace | None:
    scores, count = np.zeros(len(tables)), 0
    for band in range(1, SIDE * SIDE):
        second, firsts = step.flat[band], tables.reshape(-1, SIDE * SIDE)[:, band].astype(float)
        seen = np.bincount(integers[:, band], minlength=MOST + 1)[1 : MOST + 1]
        if seen.sum() < FEW:
            continue
        count += int(seen.sum())
        for first in np.unique(firsts[firsts > COARSER * second]):
            scores[firsts == first] += seen @ _gaps(first, second, _scale(seen) * second)
    best = _usual(scores, QUALITIES, LITTLE)
    if scores[best] < max(EVIDENCE, SHARE * count):
        return None
    return JpegTrace(int(QUALITIES[best]), tables[best], (0, 0), float(scores[best]))


def _usual(scores: Array, qualities: NDArray[np.int64], most: float) -> int:
    """The index of the best score; neighbours differ little, and people choose multiples of five."""
    return int((scores * np.where(qualities % 5 == 0, 1 + most, 1)).argmax())


def _scale(seen: NDArray[np.int64]) -> float:
    """The scale of a Laplace distribution from how often 1, 2, … is seen."""
    mean = max(seen @ np.arange(1, len(seen) + 1) / seen.sum(), 1.02)
    return float(-1 / np.log1p(-1 / mean))


def _gaps(first: float, second: float, scale: float) -> Array:
    """log P(k | multiples of q₁) / P(k | a Laplace distribution) for k = 1, 2, …"""
    k = second * np.arange(1, MOST + 1)[:, None]
    multiple = first * np.arange(int((MOST + 1) * second / first) + 2)
    share = ndtr((k + second / 2 - multiple) / ROUNDING) - ndtr((k - second / 2 - multiple) / ROUNDING)
    share *= np.exp(np.minimum((k - multiple) / scale, 7))
    return np.log(SPOILT + (1 - SPOILT) * first / second * share.sum(1))


def _other_grid(
    x: Tensor, sigma: float, tables: NDArray[np.uint16], qualities: NDArray[np.int64]
) -> JpegTrace | None:
    if not len(tables):
        return None
    plane = luma(x)[: WINDOW + SIDE, : WINDOW + SIDE]
    grids = [grid for grid in product(range(SIDE), range(SIDE)) if grid != (0, 0)]
    counts = np.stack([histograms(plane[row:, column:])[LOW, : BINS * REACH] for row, column in grids])
    ratios = _likelihoods(tables.reshape(-1, SIDE * SIDE)[:, LOW].astype(float), sigma, counts.sum(0))
    scores = np.einsum("gbn,bqn->gq", counts, ratios)
    second, best = np.argsort(scores.max(1))[-2:]
    chosen = _usual(scores[best], qualities, MUCH)
    other = max(0.0, float(scores[second].max()))
    if scores[best, chosen] < other + max(other, CLEAR):  # a JPEG has one grid
        return None
    return JpegTrace(int(qualities[chosen]), tables[chosen], grids[best], float(scores[best, chosen]))


def _likelihoods(steps: Array, sigma: float, seen: Array) -> Array:
    """The log ratios (bands, qualities, bins) for steps (qualities, bands), given how often each bin is seen."""
    c = (np.arange(seen.shape[1]) + 0.5) / BINS
    sigma = float(np.hypot(np.hypot(sigma, ROUNDING), 1 / BINS / np.sqrt(12)))
    far = c > FAR * sigma
    scales = seen[:, far] @ (c[far] - FAR * sigma) / np.maximum(seen[:, far].sum(1), 1) + 1e-3
    ratios = np.zeros((steps.shape[1], steps.shape[0], c.size))
    for band, scale in enumerate(scales):
        values, place = np.unique(steps[:, band], return_inverse=True)
        ratios[band] = comb(c, values[:, None], sigma=sigma, scale=float(scale))[place]
    return np.where(far, ratios, 0.0)


def cells_of_first(cells: JpegCells, x: Tensor, trace: JpegTrace) -> JpegCells:
    """The cells of the first compression.

    They are likely, not certain: where coefficients are not near multiples of its steps (chroma that was interpolated
    in between), a cell of its width lies around the file's own value.

    Args:
        cells: of the file.
        x: the decoded file (1, C, H, W) in [0, 1]; for another grid than its own, its whole blocks on that.
        trace: the first compression.
    """
    count = len(cells.components)
    tables = [standard_table(trace.quality, chrominance=index > 0) for index in range(count)]
    if trace.offset != (0, 0):
        whole, reach = JpegCells.of_picture(x, tables, cells.sampling, ycc=cells.ycc), FAR * error(cells)
        near = [
            _likely(c * whole.get_buffer(f"step{index}"), whole.get_buffer(f"step{index}"), reach)
            for index, c in enumerate(whole.in_steps(x))
        ]
        return JpegCells(near, tables, whole.sampling, size=whole.size, ycc=cells.ycc).to(x)
    numbers: list[Tensor] = []
    steps: list[Tensor] = []
    for part, table in zip(cells.components, tables, strict=True):
        second, first = cells.get_buffer(f"step{part.channel}"), torch.from_numpy(table.astype(np.float32))
        own, first = cells.get_buffer(f"integers{part.channel}"), first.to(second)
        coarser = first > COARSER * second
        likely = _likely(own * second, first, second / 2 + 2 * ROUNDING)
        numbers.append(torch.where(coarser, likely, own))
        steps.append(torch.where(coarser, first, second))
    return JpegCells(numbers, steps, cells.sampling, size=cells.size, ycc=cells.ycc)


def _likely(c: Tensor, step: Tensor, reach: Tensor | float) -> Tensor:
    """The integers c/q of blocks (…, down, across, 8, 8), rounded where most of a band is near multiples of q."""
    near = (c / step).round()
    fits = (c - near * step).abs() <= reach
    there = (near != 0) & (2 * torch.as_tensor(reach) < step)
    blocks = tuple(range(c.ndim - 2))
    share = (fits & there).float().sum(blocks) / there.float().sum(blocks).clamp(min=1)
    return torch.where(fits & (share >= CONSISTENT), near, c / step)
