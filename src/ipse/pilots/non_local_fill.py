"""x ← Π(D_σ(x)), Π putting the known pixels back and D one step of NL-Ridge: scattered pixels are filled from
similar patches elsewhere in the picture, of another size each round, since sizes err differently. Then
x ← Π(E[x | y]), each patch a draw of its group's Gaussian: what is known of the very patch tells the rest of it.

D's unbiased shrinkage overshoots: it subtracts more than all of what a group does not share. In a denoiser
that would be a fault; here it is what makes the alternation approach its end in few rounds. σ falls in equal
ratios from about the error of the smooth fill, found by leaving out known pixels, to 3/255: starting higher
destroys what the smooth fill had right, starting lower repeats its mistakes.

Plug-and-play: Venkatakrishnan, Bouman and Wohlberg, 2013, https://doi.org/10.1109/GlobalSIP.2013.6737048.
NL-Ridge: Herbreteau and Kervrann, 2022, https://arxiv.org/abs/2203.00570.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ipse.pilots.biharmonic import biharmonic
from ipse.pilots.non_local import Preset, non_local, non_local_steps
from ipse.pilots.plug_and_play import plug_and_play

SEEN, MISSING = 1 / 255, 30.0  # σ of a pixel that is known, which may be rounded, and of one that is not
LEFT_OUT = 0.1  # of the known pixels, to see how wrong the smooth fill is
BAND = 64  # pixels down, or a quarter of the picture, that this is seen in: a second fill of all is dear
START = 1.3  # times that error is the first σ
RANGE = (8 / 255, 40 / 255)  # of the first σ
LAST = 3 / 255


@dataclass(frozen=True)
class Pass:
    """Rounds of plug-and-play, then what each patch knows of itself."""

    rounds: int
    sizes: tuple[Preset, ...]  #: of patches, in turn
    draws: tuple[Preset, ...]
    first: float | None = None  #: σ, falling to …; None for about the error of the smooth fill
    last: float = LAST  #: …
    momentum: float = 0.6


DRAWS: tuple[Preset, ...] = ("wide", "narrow", "widest")
GOOD = Pass(14, ("once", "once small", "once large"), DRAWS)
PASSES = {
    "fast": (Pass(5, ("fast once", "fast small"), ("fast wide", "fast narrow"), momentum=0.7),),
    "good": (GOOD,),
    "best": (replace(GOOD, rounds=20), Pass(12, ("four", "once large"), DRAWS, 10 / 255, 2 / 255)),
}


def non_local_fill(
    y: Tensor, known: Tensor, *, preset: Literal["fast", "good", "best"] = "good", seed: int = 0
) -> Iterator[Tensor]:
    """Yield better and better pictures, the smooth fill first.

    Args:
        y: the picture (1, C, H, W) in [0, 1]; what it holds where unknown does not matter.
        known: bool (1, 1, H, W), at least one True.
        preset: how many passes and rounds, and how dense.
        seed: of the choice of pixels to leave out.

    Yields:
        Pictures (1, C, H, W) whose known pixels are those of y, bit for bit.
    """
    x = biharmonic(y, known)
    yield x
    if bool(known.all()):
        return
    error = _first(y, known, seed)
    for part in PASSES[preset]:
        sigmas = np.geomspace(part.first or error, part.last, part.rounds).tolist()
        for found in _rounds(x, y, known, part, sigmas):
            yield (x := found)
        for found in _drawn(x, y, known, part.draws):
            yield (x := found)


def _rounds(x: Tensor, y: Tensor, known: Tensor, part: Pass, sigmas: list[float]) -> Iterator[Tensor]:
    """x ← Π(D_σ(x)), with patches of another size each round."""
    return plug_and_play(
        x,
        data_step=lambda x, _: torch.where(known, y, x.clamp(0, 1)),
        denoisers=cycle(partial(non_local, preset=size, where=~known) for size in part.sizes),
        sigmas=sigmas,
        momentum=part.momentum,
    )


def _drawn(x: Tensor, y: Tensor, known: Tensor, steps: tuple[Preset, ...]) -> Iterator[Tensor]:
    """x ← Π(E[x | y])."""
    noise = torch.where(known, SEEN, MISSING).expand_as(y)
    for step in steps:
        found = x
        for part, _ in non_local_steps(y, noise, preset=step, guide=x, where=~known):
            found = torch.where(known, y, part.clamp(0, 1))
            yield found
        x = found


def _first(y: Tensor, known: Tensor, seed: int) -> float:
    """The first σ: the smooth fill's error at pixels that were left out of it, in a band across the picture."""
    height = y.shape[-2]
    side = max(BAND, height // 4)
    band = slice(max(0, (height - side) // 2), (height + side) // 2)
    y, known = y[:, :, band], known[:, :, band]
    draw = torch.rand(known.shape, generator=torch.Generator().manual_seed(seed)).to(known.device)
    left_out = known & (draw < LEFT_OUT)
    seen = known & ~left_out
    if not bool(left_out.any()) or not bool(seen.any()):
        return RANGE[1]
    error = (biharmonic(y, seen) - y)[left_out.expand_as(y)]
    return min(max(START * float(error.square().mean().sqrt()), RANGE[0]), RANGE[1])
