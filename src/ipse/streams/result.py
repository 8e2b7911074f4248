"""What a restoration yields on its way, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ipse.pictures import Picture


@dataclass(frozen=True)
class Estimate:
    """An estimate (1, C, H, W) without a step of the fit; none is worse than the one before."""

    picture: Tensor
    index: int  #: of all estimates, from 0
    seconds: float
    refined: bool = False  #: it follows the fit; else it is a pilot


@dataclass(frozen=True)
class Result:
    """A restored picture, and how it came about."""

    picture: Picture
    reason: str  #: why the search ended
    unchanged: bool = False  #: there was nothing to restore
    step: int = 0  #: the step that was kept; 0 is the pilot
    steps: int = 0  #: the steps that were taken
    score: float | None = None  #: held-out score of what was kept
    pilot_score: float | None = None
    seconds: float = 0.0
    estimates: Mapping[str, Any] = field(default_factory=dict[str, Any])
    disagreement: NDArray[np.float32] | None = field(default=None, compare=False)
    #: (H, W): standard deviation of the runs of several seeds, in units of [0, 1]; None of a single run

    @property
    def image(self) -> Any:
        """The restored picture as an array; the library's faces give back the kind they were given."""
        return self.picture.to_array()
