"""x ← Π(D_σ(x)), Π putting the known pixels back and D one step of NL-Ridge: scattered pixels are filled from
similar patches elsewhere in the picture. The patch size changes every round, because errors differ between sizes. Then
x ← Π(E[x | y]), where each patch is a sample of its group's Gaussian: its known pixels predict the others.

D's unbiased shrinkage overshoots: it subtracts more than the differences within a group. That would be a fault of a
denoiser, but here it makes the alternation converge in few rounds. σ falls geometrically from about the error of the
smooth fill, measured on known pixels that are left out, to 3/255. A larger first σ would destroy correct parts of the
smooth fill, a smaller one would keep its errors.

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

from ipse.pilots._steps import in_turn
from ipse.pilots.biharmonic import biharmonic
from ipse.pilots.non_local import Preset, non_local, non_local_steps
from ipse.pilots.plug_and_play import plug_and_play

SEEN, MISSING = 1 / 255, 30.0  # σ of known pixels, which may be rounded, and of unknown ones
LEFT_OUT = 0.1  # fraction of the known pixels that are left out to measure the error of the smooth fill
BAND = 64  # height in pixels, or a quarter of the picture, of the band in which it is measured, to save time
START = 1.3  # first σ, relative to that error
RANGE = (8 / 255, 40 / 255)  # range of the first σ
LAST = 3 / 255


@dataclass(frozen=True)
class Pass:
    """Rounds of plug-and-play, followed by conditional means of patches."""

    rounds: int
    sizes: tuple[Preset, ...]  #: patch sizes, used in turn
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
    """Yield the smooth fill, then improved pictures.

    Args:
        y: the picture (1, C, H, W) in [0, 1]; its unknown pixels are ignored.
        known: bool (1, 1, H, W), at least one True.
        preset: number of passes and rounds, and their density.
        seed: random seed for the pixels that are left out.

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


def fill_cost(y: Tensor, preset: Literal["fast", "good", "best"]) -> float:
    """The work of filling y."""
    passes = PASSES[preset]
    rounds = sum(in_turn(one.sizes, one.rounds, y) for one in passes)
    return rounds + sum(in_turn(one.draws, len(one.draws), y) for one in passes)


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
