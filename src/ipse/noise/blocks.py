"""Quiet blocks: where a picture is flat, its block DCT is that of the noise alone.

    e_uv = |DCT(y)_uv|²,     score = max over bands of the mean of e_uv / P_uv around a block,    P_uv = E e_uv

A block is judged by its neighbours, not by its own samples: noise there says nothing of the noise here, so that what
is read from the chosen blocks is not too small for having been chosen. It must be quiet in low, middle and high
frequencies alike, since texture hides in one of them.

Colom, Buades and Morel, "Nonparametric noise estimation method for raw images", 2014,
https://doi.org/10.1364/JOSAA.31.000863 (blocks sorted by one set of frequencies, noise read in another).
"""

from dataclasses import dataclass

import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

SIDE = 8  # pixels a side
HOP = 4  # pixels from block to block
NEIGHBOUR = (
    5  # of the eight around a block, in rising order: the sixth loudest, so that an edge beside it counts
)
LEAST = 60  # blocks
SHARE = 0.07  # of the blocks are chosen at the least …
USUAL = 0.9  # … and all that are no louder than this share of pure noise's would be
CLIPPED = 0.4  # of a block's samples at black or white: noise is cut off there
ROUNDS = 5  # of choosing by the spectrum, and reading the spectrum from the chosen

DCT = torch.from_numpy(dct(torch.eye(SIDE, dtype=torch.float64).numpy(), norm="ortho", axis=0)).float()
ORDER = torch.arange(SIDE)[:, None] + torch.arange(SIDE)
BANDS = ((ORDER >= 1) & (ORDER <= 2), (ORDER >= 3) & (ORDER <= 5), ORDER >= 6)
VARYING = ORDER > 0


@dataclass(frozen=True)
class Blocks:
    """Overlapping blocks of a picture."""

    coefficients: Tensor  #: orthonormal DCT (C, h, w, 8, 8)
    usable: Tensor  #: bool (C, h, w), whether clipping leaves the noise as it is

    @classmethod
    def of(cls, y: Tensor, *, clipped: Tensor | None = None) -> "Blocks":
        """Cut up a picture (C, H, W); ``clipped`` (C, H, W) says which samples are at black or white."""
        windows = y.unfold(1, SIDE, HOP).unfold(2, SIDE, HOP)
        matrix = DCT.to(y)
        usable = torch.ones(windows.shape[:3], dtype=torch.bool, device=y.device)
        if clipped is not None:
            usable = avg_pool2d(clipped.float()[None], SIDE, HOP)[0] < CLIPPED
        return cls(matrix @ windows @ matrix.T, usable)

    @property
    def brightness(self) -> Tensor:
        """The mean of each block (C, h, w)."""
        return self.coefficients[..., 0, 0] / SIDE

    @property
    def free(self) -> Tensor:
        """Blocks (h, w) that are usable in every channel; all, where these are too few."""
        free = self.usable.all(0)
        return free if int(free.sum()) >= LEAST else torch.ones_like(free)

    def scaled(self, level: Tensor) -> "Blocks":
        """The same with each block divided by its noise level (C, h, w)."""
        return Blocks(self.coefficients / level[..., None, None], self.usable)

    def scores(self, spectrum: Tensor) -> Tensor:
        """How loud the surroundings of each block are (h, w), in units of a noise of ``spectrum`` (C, 8, 8)."""
        energy = self.coefficients.square() / spectrum[:, None, None]
        bands = torch.stack([energy[..., band].mean(-1) for band in BANDS])  # (bands, C, h, w)
        return around(bands, SIDE // HOP).mean(1).amax(0)  # so far that no pixel is shared


def around(x: Tensor, step: int) -> Tensor:
    """The sixth smallest of the eight neighbours of each block of x (…, h, w), ``step`` blocks away."""
    height, width = x.shape[-2:]
    wide = pad(x.reshape(1, -1, height, width), (step,) * 4, mode="replicate").reshape(
        *x.shape[:-2], height + 2 * step, width + 2 * step
    )
    places = [(i * step, j * step) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    beside = [wide[..., i : i + height, j : j + width] for i, j in places]
    return torch.stack(beside).sort(0).values[NEIGHBOUR]


@dataclass(frozen=True)
class Quiet:
    """What quiet blocks say of the noise."""

    cross: Tensor  #: E of products of coefficients of two channels (C, C, 8, 8)
    chosen: Tensor  #: the blocks (h, w), bool
    scores: Tensor  #: of all blocks (h, w)
    usual: float  #: the score that pure noise seldom exceeds

    @property
    def spectrum(self) -> Tensor:
        """E of the squared coefficients (C, 8, 8)."""
        return power(self.cross)


def power(cross: Tensor) -> Tensor:
    """The diagonal of cross spectra (C, C, 8, 8): (C, 8, 8)."""
    return cross.diagonal(dim1=0, dim2=1).permute(2, 0, 1).clamp_min(1e-12).contiguous()


def quiet(blocks: Blocks, *, rounds: int = ROUNDS) -> Quiet:
    """Choose the quiet blocks of a picture whose noise is of one level, and read its spectrum from them."""
    c, free = blocks.coefficients, blocks.free
    spectrum = c.square()[:, free].quantile(0.1, dim=1).clamp_min(1e-12) / 0.0158  # a tenth of χ² lies below
    usual = usual_score(len(c), like=c)
    count = max(LEAST, int(SHARE * int(free.sum())))
    cross, chosen, scores = c.new_zeros(0), free, c.new_zeros(free.shape)
    for turn in range(rounds):
        scores = torch.where(free, blocks.scores(spectrum), torch.inf)
        low = scores.flatten().kthvalue(min(count, scores.numel())).values
        chosen = scores <= (low if turn < 2 else torch.maximum(low, low.new_tensor(usual)))
        chosen &= free
        inside = c[:, chosen]
        cross = torch.einsum("cnij,dnij->cdij", inside, inside) / inside.shape[1]
        spectrum = power(cross)
    return Quiet(cross, chosen, scores, usual)


def usual_score(channels: int, *, like: Tensor) -> float:
    """The score below which ``USUAL`` of the blocks lie where there is noise alone, of a known spectrum."""
    draw = torch.randn(channels, 160, 160, generator=torch.Generator().manual_seed(0)).to(like)
    blocks = Blocks.of(draw)
    return float(blocks.scores(torch.ones(channels, SIDE, SIDE).to(like)).flatten().quantile(USUAL))
