"""x ← Π(D_σ(x)): what repeats within an enlarged picture, in turn with the small one that it measures.

D is the non-local ridge, Π the projection onto {x : A x = y} (measured: docs/decisions/upscale.md).
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

FIRST, LAST = 24 / 255, 3 / 255  # σ falls geometrically
STRICT = 20  # projections of the start, in turn onto the measurement and the range [0, 1]


@dataclass(frozen=True)
class Rounds:
    """How what was drawn is made to agree with itself."""

    sizes: tuple[Preset, ...]  #: patches, in turn: they err differently …
    small: int  #: … in so many rounds …
    fine: int = 0  #: … and then so many with Bayes' step, by which what is smooth gains
    inner: int = 5  #: projections in a round
    momentum: float = 0.7


ROUNDS: dict[Effort, Rounds] = {
    "fast": Rounds(("fast four", "fast five"), 13, inner=2),
    "good": Rounds(("four", "five"), 17, 3),
    "best": Rounds(("four", "five"), 30, 6),
}


def count(effort: Effort) -> int:
    """How many rounds there are."""
    return ROUNDS[effort].small + ROUNDS[effort].fine


def refined(x: Tensor, consistent: Consistent, effort: Effort, first: float = FIRST) -> Iterator[Tensor]:
    """Yield a picture (1, C, H, W) after each round, from σ = ``first`` on."""
    rounds = ROUNDS[effort]
    order: tuple[Preset, ...] = (rounds.sizes * rounds.small)[: rounds.small] + ("fine",) * rounds.fine
    return plug_and_play(
        consistent(x, rounds=STRICT),
        data_step=lambda x, _: consistent(x, rounds=rounds.inner),
        denoisers=[partial(non_local, preset=size) for size in order],
        sigmas=np.geomspace(first, LAST, len(order)).tolist(),
        momentum=rounds.momentum,
    )
