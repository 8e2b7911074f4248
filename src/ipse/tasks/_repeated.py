"""x ← Π(D_σ(x)): plug-and-play refinement of an enlarged picture by self-similarity.

D is NL-Ridge, Π the projection onto {x : A x = y} (measured: docs/decisions/upscale.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from torch import Tensor

from ipse.engine.operators.consistent import Consistent
from ipse.pilots.non_local import Preset, non_local
from ipse.pilots.plug_and_play import plug_and_play
from ipse.tasks._common import Effort

FIRST, LAST = 24 / 255, 3 / 255  # σ of the first and the last round; it falls geometrically
STRICT = 20  # number of alternating projections of the start, onto the measurement and onto [0, 1]


@dataclass(frozen=True)
class Rounds:
    """The schedule of the refinement."""

    sizes: tuple[Preset, ...]  #: patch sizes, used in turn because their errors differ
    small: int  #: number of rounds with these
    fine: int = 0  #: number of rounds after them with a Bayes step, which improves smooth areas
    inner: int = 5  #: projections per round
    momentum: float = 0.7


ROUNDS: dict[Effort, Rounds] = {
    "fast": Rounds(("fast four", "fast five"), 13, inner=2),
    "good": Rounds(("four", "five"), 17, 3),
    "best": Rounds(("four", "five"), 30, 6),
}


def count(effort: Effort) -> int:
    """The number of rounds."""
    return ROUNDS[effort].small + ROUNDS[effort].fine


def refined(x: Tensor, consistent: Consistent, effort: Effort, first: float = FIRST) -> Iterator[Tensor]:
    """Yield a picture (1, C, H, W) after each round; ``first`` is σ of the first one."""
    rounds = ROUNDS[effort]
    order: tuple[Preset, ...] = (rounds.sizes * rounds.small)[: rounds.small] + ("fine",) * rounds.fine
    return plug_and_play(
        consistent(x, rounds=STRICT),
        data_step=lambda x, _: consistent(x, rounds=rounds.inner),
        denoisers=[partial(non_local, preset=size) for size in order],
        sigmas=np.geomspace(first, LAST, len(order)).tolist(),
        momentum=rounds.momentum,
    )
