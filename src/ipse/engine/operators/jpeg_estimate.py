"""Detects whether a picture was a JPEG, since its coefficients are then near multiples of the quantisation steps.

    L(q) = Σ log(ε + (1 − ε) q N(c − q⌊c/q⌉; σ)),      σ² ≈ 1/12

is summed over the coefficients c of luma that are not near 0. Each term compares a multiple of q, with the rounding
of 8-bit levels, with a smooth distribution; ε is the fraction of outliers. L > 0 is evidence for q, and the factor q
prefers the largest of steps that divide one another.

Fan and de Queiroz 2003, https://doi.org/10.1109/TIP.2002.807361.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ipse.engine.operators.dct import SIDE, block_dct, dct_matrix
from ipse.engine.operators.jpeg_clipped import BLACK, FINEST, LUMA, WHITE, explained
from ipse.errors import PictureError
from ipse.pictures.jpeg import standard_table

QUALITIES = np.arange(5, 96)
_SIGMA = 0.32  # rounding to whole levels gives 0.29, a decoder's own arithmetic a little more
SPOILT = 0.1
BINS = 4  # a level
_REACH = 400  # levels; coefficients beyond are few
_SMALLEST = 1.5  # levels; what is nearer to 0 says nothing
_EVIDENCE = 40.0  # nats: out of reach by chance, even for the best of 64 grids and 91 qualities
_USUAL = 2.0  # nats: neighbours may fit equally, and people choose multiples of five
_WINDOW = 512  # pixels; a window of this side holds evidence enough


@dataclass(frozen=True, eq=False)
class JpegTrace:
    """The JPEG that a picture was.

    Attributes:
        quality: IJG's quality, 5 … 95.
        table: its luminance steps (8, 8), natural order.
        offset: (row, column), 0 … 7, of the first whole block in the picture.
        evidence: L in nats; where most blocks are clipped, the number of those that it explains exactly.
    """

    quality: int
    table: NDArray[np.uint16]
    offset: tuple[int, int]
    evidence: float


def estimate_jpeg(x: NDArray[np.floating] | Tensor) -> JpegTrace | None:
    """The quality and the block grid of the JPEG that x was decoded from; None if it was not a JPEG.

    x is (C, H, W) in [0, 1], gray (C = 1) or RGB (C = 3). Steps that are not IJG's are not recognised.

    Raises:
        PictureError: x has another shape.
    """
    x = torch.as_tensor(x)
    plane = luma(x)
    tables = np.stack([standard_table(int(quality)) for quality in QUALITIES])
    steps = tables.reshape(-1, SIDE * SIDE)[:, 1:]
    likelihood = _likelihood(int(steps.max()))
    preference = _USUAL * (QUALITIES % 5 == 0)
    found: list[JpegTrace] = []
    for row, column in product(range(SIDE), range(SIDE)):
        counts = histograms(plane[row:, column:])[1:]
        most = int(np.nonzero(counts.any(axis=0))[0].max(initial=0)) + 1
        evidence = counts[:, :most] @ likelihood[:, :most].T
        scores = evidence[np.arange(SIDE * SIDE - 1), steps].sum(1)
        best = int((scores + preference).argmax())
        found.append(JpegTrace(int(QUALITIES[best]), tables[best], (row, column), float(scores[best])))
    found.sort(key=lambda trace: -trace.evidence)
    # Ramps and enlarged pixels agree with some step on many grids at once; a JPEG has one grid.
    threshold = max(_EVIDENCE, 2 * found[1].evidence)
    return found[0] if found[0].evidence > threshold else _of_clipped(x, tables)


def _of_clipped(x: Tensor, tables: NDArray[np.uint16]) -> JpegTrace | None:
    """The same for a page, most of whose blocks are clipped and were left out."""
    coarse = tables[QUALITIES <= FINEST]
    if float(histograms(luma(x))[0].sum()) > x.shape[-2] * x.shape[-1] / SIDE**2 / 2:
        return None
    found = explained(_middle(x), torch.from_numpy(coarse.astype(np.float32)))
    if found is None:
        return None
    index, offset, count = found
    return JpegTrace(int(QUALITIES[index]), tables[index], offset, float(count))


def luma(x: Tensor) -> Tensor:
    """Luma of the middle of x, in levels; nan where it may have been clipped, and past the edge."""
    levels = _middle(x)
    clipped = ((levels < BLACK) | (levels > WHITE)).any(0)
    luma = torch.einsum("c,chw->hw", levels.new_tensor(LUMA if x.shape[0] == 3 else (1.0,)), levels)
    return functional.pad(luma.masked_fill(clipped, torch.nan), (0, 2 * SIDE, 0, 2 * SIDE), value=torch.nan)


def _middle(x: Tensor) -> Tensor:
    """The middle of x, in levels."""
    if x.ndim != 3 or x.shape[0] not in (1, 3):
        raise PictureError(f"a picture of shape {tuple(x.shape)}; (1, H, W) or (3, H, W) is expected")
    top, left = (max(n - _WINDOW, 0) // 2 // SIDE * SIDE for n in x.shape[1:])
    return x[:, top : top + _WINDOW, left : left + _WINDOW].float() * 255


@cache
def _likelihood(largest: int) -> NDArray[np.float64]:
    """The log ratio for each step 0 … largest (row) and bin of |c| (column); zeros for step 0."""
    c = (np.arange(_REACH * BINS) + 0.5) / BINS
    sigma = np.hypot(_SIGMA, 1 / BINS / np.sqrt(12))  # c is spread within its bin
    ratio = comb(c, np.arange(1, largest + 1)[:, None], sigma=float(sigma))
    ratio[:, c < _SMALLEST] = 0
    return np.concatenate([np.zeros((1, c.size)), ratio])


def comb(
    c: NDArray[np.floating], q: NDArray[np.number], *, sigma: float, scale: float = np.inf
) -> NDArray[np.float64]:
    """log P(|c| | multiples of q, with an error of σ) / P(|c| | a Laplace distribution of this scale)."""
    nearest = np.round(c / q)
    density = np.zeros(np.broadcast_shapes(c.shape, q.shape))
    for k in (-2, -1, 0, 1, 2):  # small steps have overlapping neighbours: summed, they say nothing
        residual = c - (nearest + k) * q
        density += np.exp(np.minimum(residual / scale, 7) - 0.5 * (residual / sigma) ** 2)
    return np.log(SPOILT + (1 - SPOILT) * q * density / (sigma * np.sqrt(2 * np.pi)))


def histograms(plane: Tensor) -> NDArray[np.float64]:
    """How often |c| falls into each bin: (64, bins), a row a frequency. Blocks with nan are left out."""
    height, width = (n // SIDE * SIDE for n in plane.shape)
    c = block_dct(plane[:height, :width], dct_matrix().float()).reshape(-1, SIDE * SIDE).abs()
    c = c[~c[:, 0].isnan()]
    bins = (c * BINS).long().clamp(max=_REACH * BINS - 1) + _REACH * BINS * torch.arange(SIDE * SIDE)
    counts = torch.bincount(bins.flatten(), minlength=SIDE * SIDE * _REACH * BINS)
    return counts.reshape(SIDE * SIDE, -1).double().numpy()
