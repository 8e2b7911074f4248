"""x̄ = (1/K) Σ_k x_k and s² = Σ_k (x_k − x̄)² / (K − 1): the average of restorations with K seeds.

The average is nearer the truth than its parts as far as they differ by chance; where they differ, the picture did not
say what belongs there. The runs come in turn; where a device has room (a GPU), as many as pay are fitted at once, and
are averaged in their order. Averages of runs as in Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior",
https://arxiv.org/abs/1711.10925.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.adapt import perturbed
from ipse.streams.average import Average
from ipse.streams.cut import Cut
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Reach, Stream


class Copies(Cut):
    """Copies of the picture, each restored with another seed.

    Args:
        picture: the damaged picture.
        task: the name of a task.
        settings: as for one run; ``seeds`` is K.
        options: the task's own.
        ends: how far to run each seed when repeating runs that were ended by the time budget or the user.
    """

    noun = "seed"
    needs_all = False
    at_once = True

    def __init__(
        self,
        picture: Picture,
        task: str,
        settings: Settings,
        options: Mapping[str, Any],
        ends: Sequence[Reach] | None = None,
    ) -> None:
        super().__init__(picture, settings)
        self.task, self.options, self.ends = task, options, ends

    @property
    def count(self) -> int:
        """K."""
        return self.settings.seeds if self.ends is None else len(self.ends)

    def open(self, index: int, seconds: float | None) -> Restoration:
        """Open the run with seed ``settings.seed + index``; deterministic methods perturb their data by the seed."""
        seed = self.settings.seed + index
        settings = replace(self.settings, seed=seed, seeds=1, seconds=seconds)
        return Restoration(
            self.picture, self.task, settings, self.options, adapt=partial(perturbed, seed=seed)
        )

    def far(self, index: int) -> Reach | None:
        """How far the run in the receipt went."""
        return None if self.ends is None else self.ends[index]


class Seeds(Parts):
    """The stream of runs with the seeds ``settings.seed``, ``settings.seed + 1``, and so on.

    If you stop iterating during the first run, the result is its best so far; later, it is the average of the finished
    runs. Runs that are fitted together finish together; when a receipt is repeated, they run one after the other.

    Args:
        picture: the damaged picture.
        task: the name of a task.
        settings: settings of each run; ``seeds`` is K, and ``seconds`` is divided among the runs.
        options: the task's own.
        ends: how far each run is to go, where runs are repeated that a clock or a person ended.
    """

    def __init__(
        self,
        picture: Picture,
        task: str,
        settings: Settings | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        ends: Sequence[Reach] | None = None,
    ) -> None:
        cut = Copies(picture, task, settings or Settings(), options or {}, ends)
        self.average = Average(picture, cut.count)
        super().__init__(cut, self.average)


def whole(
    picture: Picture,
    task: str,
    settings: Settings,
    options: Mapping[str, Any] | None = None,
    *,
    ends: Sequence[Reach] | None = None,
) -> Stream:
    """Open a restoration without tiles, with one or several seeds."""
    if settings.seeds > 1:
        return Seeds(picture, task, settings, options, ends=ends)
    return Restoration(picture, task, settings, options)
