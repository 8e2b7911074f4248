"""x̄ = (1/K) Σ_k x_k and Σ_k (x_k − x̄)²: a running average of pictures, whose memory does not grow with K.

B. P. Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics, 1962,
https://doi.org/10.1080/00401706.1962.10490022
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from ipse.pictures import Picture
from ipse.streams.cut import Join
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Result, Stream

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Moments:
    """Mean and sum of squared deviations of the pictures so far."""

    count: int
    mean: Floats  #: (C, H, W)
    squares: Floats  #: (H, W): Σ_k (x_k − x̄)², the mean of the channels

    @classmethod
    def of(cls, pixels: Floats) -> "Moments":
        """The moments of one picture (C, H, W)."""
        return cls(1, pixels.copy(), np.zeros(pixels.shape[1:], np.float32))

    def with_(self, pixels: Floats) -> "Moments":
        """The moments after one more picture."""
        change = pixels - self.mean
        mean = (self.mean + change / (self.count + 1)).astype(np.float32, copy=False)
        return Moments(self.count + 1, mean, self.squares + (change * (pixels - mean)).mean(0, np.float32))

    @property
    def deviation(self) -> Floats | None:
        """s (H, W), the root mean square over channels; None for a single picture."""
        return None if self.count < 2 else np.sqrt(self.squares / np.float32(self.count - 1))


class Average(Join):
    """The average of several runs, computed before rounding, and the map of their disagreement.

    Args:
        picture: the damaged picture.
        count: planned number of runs.
    """

    def __init__(self, picture: Picture, count: int) -> None:
        self.picture, self.count = picture, count
        self.moments: Moments | None = None
        self.keep: NDArray[np.bool_] | None = None

    def add(self, index: int, stream: Stream) -> Result:
        """Add the pixels of a run before they are rounded; the returned result has no picture of its own."""
        pixels, self.keep, result = cast(Restoration, stream).pixels()
        self.moments = self.moments.with_(pixels) if index and self.moments else Moments.of(pixels)
        return result

    def result(self, done: int, *, ended: bool) -> Result:
        """The average of the finished runs, with their disagreement if there are two or more."""
        assert self.moments is not None
        picture = self.picture.like(self.moments.mean, keep=self.keep)
        reason = f"the average of {done} of {self.count} seeds"
        if done == self.count:
            reason = f"the average of {self.count} seeds"
        else:
            reason = f"{reason}: the time is used up" if ended else f"cancelled; {reason}"
        return Result(picture, reason, disagreement=self.moments.deviation)

    def state_dict(self) -> dict[str, Any]:
        """The moments so far."""
        if self.moments is None:
            return {}
        arrays = {"mean": self.moments.mean, "squares": self.moments.squares}
        arrays |= {} if self.keep is None else {"keep": self.keep}
        return {"count": self.moments.count} | {name: torch.from_numpy(one) for name, one in arrays.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the moments."""
        if not state:
            return
        found = {name: one.cpu().numpy() for name, one in state.items() if name != "count"}
        self.moments = Moments(state["count"], found["mean"], found["squares"])
        self.keep = found.get("keep")
