"""Presets of the non-local estimate: how each of its steps groups patches."""

from dataclasses import dataclass, replace
from typing import Literal

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

    def over(self, height: int, width: int) -> "Step":
        """The step for a picture of a size: in a single row or column, a patch and a window are as many pixels long."""
        if min(height, width) > 1:
            return self
        return replace(self, patch=self.patch**2, window=self.window**2)


FIRST = Step(7, 18, 6)
SECOND, THIRD = Step(7, 55, 6), Step(7, 55, 6, noisy=0.5)

PRESETS: dict[Preset, tuple[Step, ...]] = {
    "once": (Step(7, 32, 6, surplus=0.3),),
    "once small": (Step(5, 24, 4, surplus=0.3),),
    "once large": (Step(9, 40, 7, surplus=0.3),),
    "fast once": (Step(7, 32, 7, window=25, surplus=0.3),),
    "fast small": (Step(6, 28, 5, window=25, surplus=0.3),),
    "twice": (Step(7, 18, 6), Step(7, 48, 6)),
    "twice small": (Step(5, 18, 4), Step(5, 48, 4)),
    "twice large": (Step(9, 18, 7), Step(9, 48, 7)),
    "four": (Step(4, 20, 3, surplus=0.1),),
    "five": (Step(5, 24, 4, surplus=0.1),),
    "fast four": (Step(4, 16, 3, window=25, surplus=0.2),),
    "fast five": (Step(5, 18, 4, window=25, surplus=0.2),),
    "fine": (Step(5, 24, 4, surplus=0.1), Step(5, 64, 5, by="bayes")),
    "wide": (Step(8, 60, 4, by="conditional"),),
    "widest": (Step(10, 60, 5, by="conditional"),),
    "narrow": (Step(6, 60, 3, by="conditional"),),
    "fast wide": (Step(8, 48, 7, by="conditional"),),
    "fast narrow": (Step(6, 40, 6, by="conditional"),),
    "fast": (Step(7, 16, 7, window=25), Step(7, 24, 7, window=25)),
    "good": (FIRST, SECOND, THIRD, Step(5, 160, 5, noisy=0.5, window=49, by="bayes")),
    "best": (
        Step(7, 18, 4),
        SECOND,
        THIRD,
        Step(5, 160, 4, noisy=0.7, window=49, by="bayes"),
        Step(7, 90, 4, noisy=0.5),
        Step(5, 160, 3, noisy=0.5, window=49, by="bayes"),
    ),
}
