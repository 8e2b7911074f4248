"""Presets of the non-local estimate: how each of its steps groups patches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from torch import Tensor

Preset = Literal[
    "once",
    "once small",
    "once large",
    "fast once",
    "fast small",
    "twice",
    "twice small",
    "twice large",
    "four",
    "five",
    "fast four",
    "fast five",
    "fine",
    "wide",
    "widest",
    "narrow",
    "fast wide",
    "fast narrow",
    "fast",
    "good",
    "best",
]


@dataclass(frozen=True)
class Step:
    """How one step groups patches."""

    patch: int  #: side in pixels
    count: int  #: number of patches in a group
    stride: int  #: distance of reference patches, in pixels
    noisy: float = 1.0  #: fraction of y in the denoised mixture; the rest is the last estimate
    window: int = 37  #: number of patches of the search window, down and across
    surplus: float = 0.05
    #: fraction of D added to YᵀY in a first step, for groups with less energy than the noise
    by: Literal["ridge", "bayes", "conditional"] = "ridge"
    #: method with a guide; without one, it is the unbiased ridge
    cost: float = 0.0  #: seconds per million pixels of three channels, on one core (docs/decisions/page.md)

    def over(self, height: int, width: int) -> "Step":
        """The step for a picture of a size: in a single row or column, a patch and a window are as many pixels long."""
        if min(height, width) > 1:
            return self
        return replace(self, patch=self.patch**2, window=self.window**2)


FIRST = Step(7, 18, 6, cost=2.7)
SECOND, THIRD = Step(7, 55, 6, cost=6.9), Step(7, 55, 6, noisy=0.5, cost=6.9)

PRESETS: dict[Preset, tuple[Step, ...]] = {
    "once": (Step(7, 32, 6, surplus=0.3, cost=4.0),),
    "once small": (Step(5, 24, 4, surplus=0.3, cost=3.1),),
    "once large": (Step(9, 40, 7, surplus=0.3, cost=3.6),),
    "fast once": (Step(7, 32, 7, window=25, surplus=0.3, cost=2.7),),
    "fast small": (Step(6, 28, 5, window=25, surplus=0.3, cost=2.5),),
    "twice": (Step(7, 18, 6, cost=2.7), Step(7, 48, 6, cost=7.2)),
    "twice small": (Step(5, 18, 4, cost=2.6), Step(5, 48, 4, cost=8.7)),
    "twice large": (Step(9, 18, 7, cost=2.4), Step(9, 48, 7, cost=5.9)),
    "four": (Step(4, 20, 3, surplus=0.1, cost=4.7),),
    "five": (Step(5, 24, 4, surplus=0.1, cost=3.1),),
    "fast four": (Step(4, 16, 3, window=25, surplus=0.2, cost=3.2),),
    "fast five": (Step(5, 18, 4, window=25, surplus=0.2, cost=2.4),),
    "fine": (Step(5, 24, 4, surplus=0.1, cost=3.1), Step(5, 64, 5, by="bayes", cost=9.0)),
    "wide": (Step(8, 60, 4, by="conditional", cost=48.0),),
    "widest": (Step(10, 60, 5, by="conditional", cost=40.0),),
    "narrow": (Step(6, 60, 3, by="conditional", cost=35.0),),
    "fast wide": (Step(8, 48, 7, by="conditional", cost=11.0),),
    "fast narrow": (Step(6, 40, 6, by="conditional", cost=7.8),),
    "fast": (Step(7, 16, 7, window=25, cost=1.3), Step(7, 24, 7, window=25, cost=2.3)),
    "good": (FIRST, SECOND, THIRD, Step(5, 160, 5, noisy=0.5, window=49, by="bayes", cost=8.5)),
    "best": (
        Step(7, 18, 4, cost=3.1),
        SECOND,
        THIRD,
        Step(5, 160, 4, noisy=0.7, window=49, by="bayes", cost=12.0),
        Step(7, 90, 4, noisy=0.5, cost=25.0),
        Step(5, 160, 3, noisy=0.5, window=49, by="bayes", cost=20.0),
    ),
}


def cost(preset: Preset, y: Tensor) -> float:
    """The work of all steps for a picture (1, C, H, W)."""
    return sum(step.cost for step in PRESETS[preset]) * millions(y)


def in_turn(presets: Sequence[Preset], rounds: int, y: Tensor) -> float:
    """The work of so many rounds, with the presets in turn."""
    return sum(cost(presets[number % len(presets)], y) for number in range(rounds))


def millions(y: Tensor) -> float:
    """The number of pixels of a picture (…, C, H, W), in millions of three channels."""
    return y.shape[-3] * y.shape[-2] * y.shape[-1] / 3e6
