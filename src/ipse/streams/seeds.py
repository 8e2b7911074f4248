"""x̄ = (1/K) Σ_k x_k and s² = Σ_k (x_k − x̄)² / (K − 1): one picture restored from K seeds.

The average is nearer the truth than its parts as far as they differ by chance; where they differ, the picture did not
say what belongs there. The runs come in turn; where a device has room (a GPU), as many as pay are fitted at once, and
are averaged in their order. Averages of runs as in Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior",
https://arxiv.org/abs/1711.10925.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse.engine.problem import Nothing, Problem
from ipse.engine.together.team import together, worthwhile
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.average import Moments
from ipse.streams.restoration import Estimate, Restoration, Result

if TYPE_CHECKING:
    from ipse.engine.stopping import State

Reach = tuple[int, int]  # how far a run went: pilots, steps


class OneOfSeveral(Restoration):
    """A run that differs from those of other seeds, also where the method itself leaves nothing to chance."""

    def posed(self) -> Problem | Nothing:
        """The problem, its pilot of data perturbed by the seed where the task says how."""
        problem = super().posed()
        if isinstance(problem, Nothing) or problem.perturbed is None:
            return problem
        perturbed, seed = problem.perturbed, self.settings.seed
        return replace(problem, pilot=lambda: perturbed(seed))


class Seeds(Restoration):
    """The stream of one run after the other, of seeds ``settings.seed`` and those that follow.

    Stop pulling within the first run, and the result is its best so far; later, the average of the runs that are done.
    Runs that are fitted at once are done at once; repeated, they come in turn.

    Args:
        picture: the damaged picture.
        task: the name of a task.
        settings: as for one run; ``seeds`` is K, and ``seconds`` is shared out among the runs.
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
        super().__init__(picture, task, settings, options)
        self.ends = ends
        self.count = self.settings.seeds if ends is None else len(ends)
        self.moments: Moments | None = None
        self.inner: Restoration | None = None  #: the run under way; of several at once the first
        self.abreast: list[Restoration] = []  #: the run under way, and those at once with it
        self.beside: list[dict[str, Any]] = []  #: of a checkpoint: where those others stood
        self.reached: list[Reach] = []
        self.seen: Mapping[str, Any] = {}
        self.keep: NDArray[np.bool_] | None = None
        self.spent, self.pulled = 0.0, False

    @property
    def index(self) -> int:
        """The runs that are done."""
        return 0 if self.moments is None else self.moments.count

    def __iter__(self) -> Iterator["Estimate | State"]:
        """Every run's pilots and steps, in turn, while there is time."""
        while self.index < self.count and not (self.index and self.spent >= self.budget):
            yield from self.run()
            if isinstance(self.problem, Nothing):
                return
        self.pulled, self.inner = True, None

    @property
    def budget(self) -> float:
        """Seconds for all runs."""
        return np.inf if self.settings.seconds is None else self.settings.seconds

    def run(self) -> Iterator["Estimate | State"]:
        """Restore from the next seed, or from several at once, and add what comes of it to the average."""
        self.inner = first = self.opened(0)
        self.abreast = [first]
        if self.held is not None:
            first.load_state_dict(self.held)
        held, self.held, self.beside = None if self.held is None else self.beside, None, []
        for event in first if self.ends is not None else self.several(first, held):
            self.follow(first)
            yield event
            if self.ended():
                break
        self.follow(first)
        for one in self.abreast:
            self.add(one)

    def several(self, first: Restoration, held: list[dict[str, Any]] | None) -> Iterator["Estimate | State"]:
        """The stream of the run, and of those at once with it: as a checkpoint held them, else as many as pay."""
        yield from first.begun()
        search, left = first.search, self.count - self.index
        beside = (
            (0 if search is None else worthwhile(search.fit.problem, left) - 1) if held is None else len(held)
        )
        for ahead in range(1, 1 + beside):
            other = self.opened(ahead)
            if held is not None:
                other.load_state_dict(held[ahead - 1])
            self.abreast.append(other)
            yield from other.begun()
        streams = {one.search.fit: one.fitted() for one in self.abreast if one.search is not None}
        for events in together(streams):
            yield from (event for _, event in events)

    def opened(self, ahead: int) -> Restoration:
        """Open the restoration of the next seed, or of one further ahead."""
        share, run = None, self.index + ahead
        if self.settings.seconds is not None:
            share = max(1e-3, (self.settings.seconds - self.spent) / (self.count - self.index))
        settings = replace(self.settings, seed=self.settings.seed + run, seeds=1, seconds=share)
        return OneOfSeveral(self.picture, self.name, settings, self.options)

    def ended(self) -> bool:
        """Whether a repeated run went no further."""
        if self.ends is None:
            return False
        pilots, steps = self.ends[self.index]
        taken = 0 if self.search is None else self.search.fit.step
        return self.count_of_estimates >= pilots and taken >= steps

    def add(self, inner: Restoration) -> None:
        """Add a run's picture; the moments last, for with them the run counts as done."""
        if isinstance(inner.problem, Nothing):
            return
        pixels, problem, said = inner.made()
        steps = said.get("steps", 0)
        self.seen, self.keep = problem.estimates, problem.keep
        self.reached = [*self.reached[: self.index], (inner.count_of_estimates, steps)]
        self.spent += said["seconds"]
        self.moments = Moments.of(pixels) if self.moments is None else self.moments.with_(pixels)

    @property
    def has_estimate(self) -> bool:
        """Whether there is a result."""
        return self.index > 0 or super().has_estimate

    @property
    def reach(self) -> list[Reach]:
        """How far the runs went that the result is made of: those that are done, or the first as far as it got."""
        steps = 0 if self.search is None else self.search.fit.step
        return self.reached[: self.index] or [(self.count_of_estimates, steps)]

    def result(self) -> Result:
        """The average of the runs that are done, with the disagreement of two or more."""
        if self.moments is None:
            return super().result() if self.inner is None else self.inner.result()
        picture = self.picture.like(self.moments.mean, keep=self.keep)
        return Result(
            picture,
            self.reason,
            steps=sum(steps for _, steps in self.reach),
            seconds=self.spent,
            estimates=self.seen,
            disagreement=self.moments.deviation,
        )

    @property
    def reason(self) -> str:
        """Why the stream ended."""
        if self.index == self.count:
            return f"the average of {self.count} seeds"
        done = f"the average of {self.index} of {self.count} seeds"
        return f"{done}: the time is used up" if self.pulled else f"cancelled; {done}"

    @property
    def can_be_saved(self) -> bool:
        """Whether there is something to go on from; not between a run's last step and the next run."""
        if self.search is None:
            return self.index > 0
        return any(one.can_be_saved for one in self.abreast)

    def state_dict(self) -> dict[str, Any]:
        """The average so far, and where the run under way stands."""
        import torch

        moments = self.moments
        saved: dict[str, NDArray[Any]] = (
            {} if moments is None else {"mean": moments.mean, "squares": moments.squares}
        )
        if self.keep is not None:
            saved["keep"] = self.keep
        return {
            "index": self.index,
            "arrays": {name: torch.from_numpy(array) for name, array in saved.items()},
            "reached": [list(reach) for reach in self.reached[: self.index]],
            "seen": dict(self.seen),
            "spent": self.spent,
            "inner": None if self.inner is None or self.search is None else self.inner.state_dict(),
            "beside": [one.state_dict() for one in self.abreast[1:]],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the run that was under way."""
        arrays = {name: tensor.cpu().numpy() for name, tensor in state["arrays"].items()}
        if state["index"]:
            self.moments = Moments(state["index"], arrays["mean"], arrays["squares"])
        self.keep, self.held, self.beside = arrays.get("keep"), state["inner"], state.get("beside", [])
        self.reached = [(pilots, steps) for pilots, steps in state["reached"]]
        self.seen, self.spent = state["seen"], state["spent"]


def whole(
    picture: Picture,
    task: str,
    settings: Settings,
    options: Mapping[str, Any] | None = None,
    *,
    ends: Sequence[Reach] | None = None,
) -> Restoration:
    """Open a restoration without tiles: of one seed, or of as many as the settings say."""
    if settings.seeds > 1:
        return Seeds(picture, task, settings, options, ends=ends)
    return Restoration(picture, task, settings, options)
