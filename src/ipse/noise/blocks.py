"""Quiet blocks: in flat areas, the block DCT of a picture is that of the noise alone.

    e_uv = |DCT(y)_uv|²,     score = max over bands of the mean of e_uv / P_uv around a block,    P_uv = E e_uv

A block is judged by its neighbours, not by its own samples. Since their noise is independent, the selection does not
bias the noise measured in the chosen blocks. A block must be quiet in low, middle and high frequencies, since texture
may be confined to one of them.

Colom, Buades and Morel, "Nonparametric noise estimation method for raw images", 2014,
https://doi.org/10.1364/JOSAA.31.000863 (blocks sorted by one set of frequencies, noise read in another).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ipse.pictures import residual

SIDE = 8  # pixels a side
HOP = 4  # distance between blocks, in pixels
LOUDEST = 3  # rank of the neighbour that decides, so that an edge beside the block counts
SAMPLE = 1024  # number of blocks from which the first guess of the spectrum is read
LEAST = 60  # smallest number of blocks
SHARE = 0.07  # smallest fraction of blocks that are chosen
USUAL = 0.9  # in addition, blocks are chosen whose score is within this quantile of pure noise
CLIPPED = 0.4  # largest fraction of black or white samples in a usable block, since noise is clipped there
ROUNDS = 5  # number of alternations between choosing blocks and measuring the spectrum

DCT = torch.from_numpy(residual.DCT)  # orthonormal (8, 8)
ORDER = torch.arange(SIDE)[:, None] + torch.arange(SIDE)
BANDS = ((ORDER >= 1) & (ORDER <= 2), (ORDER >= 3) & (ORDER <= 5), ORDER >= 6)
VARYING = ORDER > 0


@dataclass(frozen=True)
class Blocks:
    """Overlapping blocks of a picture."""

    coefficients: Tensor  #: orthonormal DCT (C, h, w, 8, 8)
    usable: Tensor  #: bool (C, h, w), False for blocks whose noise is clipped

    @classmethod
    def of(cls, y: Tensor, *, clipped: Tensor | None = None) -> "Blocks":
        """Divide a picture (C, H, W) into blocks; ``clipped`` (C, H, W) marks black and white samples."""
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
        """Blocks (h, w) that are usable in every channel; all blocks if these are too few."""
        free = self.usable.all(0)
        return free if int(free.sum()) >= LEAST else torch.ones_like(free)

    def scaled(self, level: Tensor) -> "Blocks":
        """The blocks, each divided by its noise level (C, h, w)."""
        return Blocks(self.coefficients / level[..., None, None], self.usable)

    def scores(self, spectrum: Tensor) -> Tensor:
        """The energy around each block (h, w), relative to noise with the given ``spectrum`` (C, 8, 8)."""
        weights = torch.stack([band.flatten() / band.sum() for band in BANDS], 1).to(spectrum)  # (64, bands)
        energy = self.coefficients.square().flatten(-2)  # (C, h, w, 64)
        bands = energy @ (weights / spectrum.flatten(1)[..., None])[:, None]
        return around(bands.movedim(-1, 0), SIDE // HOP).mean(1).amax(0)  # far enough that no pixel is shared


def around(x: Tensor, step: int) -> Tensor:
    """The third largest of the eight neighbours of each block of x (…, h, w), ``step`` blocks away."""
    height, width = x.shape[-2:]
    wide = pad(x.reshape(1, -1, height, width), (step,) * 4, mode="replicate").reshape(
        *x.shape[:-2], height + 2 * step, width + 2 * step
    )
    places = [(i * step, j * step) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    beside = [wide[..., i : i + height, j : j + width] for i, j in places]
    largest = [torch.full_like(x, -torch.inf)] * LOUDEST
    for neighbour in beside:  # by minima and maxima: a seventh of the time of a sort
        rest = neighbour
        for rank, held in enumerate(largest):
            largest[rank], rest = torch.maximum(held, rest), torch.minimum(held, rest)
    return largest[-1]


@dataclass(frozen=True)
class Quiet:
    """The noise measured in quiet blocks."""

    cross: Tensor  #: expected products of coefficients of two channels (C, C, 8, 8)
    chosen: Tensor  #: bool (h, w), the quiet blocks
    scores: Tensor  #: scores of all blocks (h, w)
    usual: float  #: the score that pure noise rarely exceeds

    @property
    def spectrum(self) -> Tensor:
        """The expected squared coefficients (C, 8, 8)."""
        return power(self.cross)


def power(cross: Tensor) -> Tensor:
    """The diagonal of cross spectra (C, C, 8, 8): (C, 8, 8)."""
    return cross.diagonal(dim1=0, dim2=1).permute(2, 0, 1).clamp_min(1e-12).contiguous()


def quiet(blocks: Blocks, *, rounds: int = ROUNDS) -> Quiet:
    """Choose the quiet blocks of a picture with a constant noise level, and measure the noise spectrum in them."""
    c, free = blocks.coefficients, blocks.free
    sample = c[:, free][:, :: max(1, int(free.sum()) // SAMPLE)].square()
    spectrum = sample.quantile(0.1, dim=1).clamp_min(1e-12) / 0.0158  # a tenth of χ² lies below
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
