"""x ← Π(D_σ(x)), Π putting the known pixels back and D one step of NL-Ridge: scattered pixels are filled from
similar patches elsewhere in the picture. Then x ← Π(E[x | y]), each patch a draw of its group's Gaussian: what is
known of the very patch tells the rest of it.

D's unbiased shrinkage overshoots: it subtracts more than all of what a group does not share. In a denoiser
that would be a fault; here it is what makes the alternation approach its end in few rounds. σ falls in equal
ratios from about the error of the smooth fill, found by leaving out known pixels, to 3/255: starting higher
destroys what the smooth fill had right, starting lower repeats its mistakes.

Plug-and-play: Venkatakrishnan, Bouman and Wohlberg, 2013, https://doi.org/10.1109/GlobalSIP.2013.6737048.
NL-Ridge: Herbreteau and Kervrann, 2022, https://arxiv.org/abs/2203.00570.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ipse.pilots.biharmonic import biharmonic
from ipse.pilots.non_local import Preset, non_local
from ipse.pilots.plug_and_play import plug_and_play

ROUNDS = {"fast": 4, "good": 20, "best": 36}
DRAWS: dict[str, tuple[Preset, ...]] = {
    "fast": ("fast wide", "fast narrow"),
    "good": ("wide", "wide", "narrow"),
    "best": ("wide", "narrow", "wide", "narrow"),
}
SEEN, MISSING = 1 / 255, 30.0  # σ of a pixel that is known, which may be rounded, and of one that is not
LEFT_OUT = 0.1  # of the known pixels, to see how wrong the smooth fill is
START = 1.3  # times that error is the first σ
RANGE = (8 / 255, 40 / 255)  # of the first σ
LAST = 3 / 255


def non_local_fill(
    y: Tensor, known: Tensor, *, preset: Literal["fast", "good", "best"] = "good", seed: int = 0
) -> Iterator[Tensor]:
    """Yield better and better pictures, the smooth fill first.

    Args:
        y: the picture (1, C, H, W) in [0, 1]; what it holds where unknown does not matter.
        known: bool (1, 1, H, W), at least one True.
        preset: how many rounds.
        seed: of the choice of pixels to leave out.

    Yields:
        Pictures (1, C, H, W) whose known pixels are those of y, bit for bit.
    """
    x = biharmonic(y, known)
    yield x
    if bool(known.all()):
        return
    sigmas = np.geomspace(_first(y, known, seed), LAST, ROUNDS[preset]).tolist()
    for x in plug_and_play(
        x,
        data_step=lambda x, _: torch.where(known, y, x.clamp(0, 1)),
        denoise=lambda x, sigma: non_local(x, sigma, preset="once"),
        sigmas=sigmas,
    ):
        yield x
    noise = torch.where(known, SEEN, MISSING).expand_as(y)
    for step in DRAWS[preset]:
        drawn = non_local(y, noise, preset=step, guide=x)
        x = torch.where(known, y, drawn.clamp(0, 1))
        yield x


def _first(y: Tensor, known: Tensor, seed: int) -> float:
    """The first σ: the smooth fill's error at pixels that were left out of it."""
    draw = torch.rand(known.shape, generator=torch.Generator().manual_seed(seed)).to(known.device)
    left_out = known & (draw < LEFT_OUT)
    seen = known & ~left_out
    if not bool(left_out.any()) or not bool(seen.any()):
        return RANGE[1]
    error = (biharmonic(y, seen) - y)[left_out.expand_as(y)]
    return min(max(START * float(error.square().mean().sqrt()), RANGE[0]), RANGE[1])
