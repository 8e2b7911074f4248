"""x* = argmin E(A f_θ(z); y) + R: the restoration of one picture, as a stream of events.

restoration = Restoration(picture, "denoise", settings, options)
for event in restoration:          # an Estimate for each pilot, a State for each step, Estimates that refine it
    ...                            # progress, preview, snapshots; leave the loop to cancel
result = restoration.result()
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ipse import tasks
from ipse.engine.fit import Fit
from ipse.engine.problem import Nothing, Problem
from ipse.engine.stopping import Seconds, State
from ipse.engine.stopping.seconds import used
from ipse.engine.until import CANCELLED, Search, until
from ipse.errors import OptionError, RunError
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.streams.stream import EARLY, Estimate, Result
from ipse.work import Clock

if TYPE_CHECKING:
    from ipse.streams.parts import Parts

Adapt = Callable[[Problem], Problem]
SHARE = 0.6  # fraction of the time budget for the fit, if a refinement follows


class Restoration:
    """The stream of events from a picture to its result.

    Args:
        picture: the damaged picture.
        task: name of a task.
        settings: preset, device, stopping rule, and so on.
        options: the task's own options.
        adapt: modifies the task's problem; None leaves it unchanged.
    """

    where, ahead = "", 0  # it has no parts
    mosaic: "Parts | None" = None

    def __init__(
        self,
        picture: Picture,
        task: str,
        settings: Settings | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        adapt: Adapt | None = None,
    ) -> None:
        self.picture = picture
        self.settings = settings or Settings()
        self.name, self.task = task, tasks.find(task)
        self.options, self.adapt = dict(options or {}), adapt
        self.problem: Problem | Nothing | None = None
        self.pilot: Tensor | None = None
        self.search: Search | None = None
        self.seconds = 0.0
        self.held: dict[str, Any] | None = None
        self.count_of_estimates = 0
        self.refined: Tensor | None = None  #: the last refinement
        self.count_of_refined, self.refining = 0, 0.0  #: number and seconds of the refinements
        self.whole = False  #: whether the refinement is finished
        self.posing, self.estimating = Clock(), Clock()  #: of posing the problem, and of the first estimates
        self.cut = False  #: whether the time ran out during the first estimates or the refinement

    def __iter__(self) -> Iterator[Estimate | State]:
        """Yield first estimates, then steps until the rule stops or the time is used up, then refinements."""
        yield from self.begun()
        yield from self.fitted()

    def begun(self) -> Iterator[Estimate]:
        """Yield the first estimates; then prepare ``search``, if there is something to fit and time left.

        Raises:
            OptionError: the settings ask for several seeds, which are several restorations.
        """
        if self.settings.seeds > 1:
            raise OptionError(f"a Restoration runs one seed: for seeds={self.settings.seeds} use ipse.Seeds")
        with self.posing:
            self.problem = self.posed()
        if isinstance(self.problem, Nothing):
            return
        problem: Problem | Nothing = self.problem
        if self.held is None:
            problem = self.problem = yield from self.estimates(self.problem)
        if isinstance(problem, Problem) and problem.recipe.steps and not self.late():
            self.search = self.searching(problem)

    def fitted(self) -> Iterator[Estimate | State]:
        """Yield the steps of the fit, and the refinements."""
        if isinstance(self.problem, Problem) and self.search is not None:
            yield from self.search
            yield from self.refinements(self.problem, self.search)

    def posed(self) -> Problem | Nothing:
        """The task's problem, adapted."""
        problem = self.task(self.picture, self.settings, **self.options)
        return problem if self.adapt is None or isinstance(problem, Nothing) else self.adapt(problem)

    def estimates(self, problem: Problem) -> Generator[Estimate, None, Problem | Nothing]:
        """Yield first estimates while there is time; return the problem, or that there is nothing to restore."""
        steps = problem.pilot() if problem.pilot else iter(())
        while not self.late():
            try:
                with self.estimating:
                    self.pilot = next(steps)
            except StopIteration as end:
                return end.value or problem
            self.seconds = self.estimating.seconds
            self.count_of_estimates += 1
            yield Estimate(self.pilot, self.count_of_estimates - 1, self.seconds)
        self.cut = True
        return problem

    def refinements(self, problem: Problem, search: Search) -> Iterator[Estimate]:
        """Refine the result of the fit while there is time."""
        if problem.refine is None or search.best is None:
            return
        estimates, start = iter(problem.refine(search.best)), time.perf_counter()
        while not self.late():
            if (estimate := next(estimates, None)) is None:
                self.whole = True
                return
            self.refined, self.refining = estimate, time.perf_counter() - start
            self.count_of_estimates += 1
            self.count_of_refined += 1
            yield Estimate(estimate, self.count_of_estimates - 1, self.refining, refined=True)
        self.cut = True

    @property
    def spent(self) -> float:
        """Seconds of the first estimates, the fit and the refinement."""
        return self.seconds + (0.0 if self.search is None else self.search.fit.seconds) + self.refining

    def late(self) -> bool:
        """Whether the time budget is used up."""
        return self.settings.seconds is not None and self.spent >= self.settings.seconds

    def searching(self, problem: Problem) -> Search:
        """The search that follows the first estimates, resumed from a checkpoint if there is one."""
        rule = problem.rule
        if self.settings.seconds is not None:
            share = 1.0 if problem.refine is None else SHARE
            budget = share * (self.settings.seconds - self.seconds)
            rule = rule | Seconds(budget, whole=self.settings.seconds)
        search = until(Fit(problem, pilot=self.pilot), rule)
        if self.held is not None:
            search.load_state_dict(self.held)
        return search

    def result(self) -> Result:
        """The best result so far, as a picture of the same kind.

        Raises:
            RunError: nothing was pulled yet, so that there is no estimate at all.
        """
        if isinstance(self.problem, Nothing):
            return Result(self.picture, self.problem.said, unchanged=True, estimates=self.problem.estimates)
        pixels, keep, result = self.pixels()
        return replace(result, picture=self.picture.like(pixels, keep=keep))

    def pixels(self) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, Result]:
        """The pixels (C, H, W) of the best result before rounding, those to keep, and details; raises as ``result``."""
        (best, details), problem = self.best(), self.problem
        if not isinstance(problem, Problem) or best is None:
            raise RunError(EARLY)
        pixels = np.ascontiguousarray(problem.outputs(best)[0].float().cpu().numpy())
        details |= {"estimates": problem.estimates, "beside": problem.beside}
        return pixels, problem.keep, Result(self.picture, **details)

    def best(self) -> tuple[Tensor | None, dict[str, Any]]:
        """The best picture and its details; the first estimate if the fit's held-out score exceeds its floor."""
        search, floor = self.search, self.floor()
        if search is None or search.best is None:
            said = {"reason": self.why(), "score": floor, "pilot_score": floor, "seconds": self.seconds}
            return self.pilot, said
        said = {
            "reason": self.why(),
            "step": search.step,
            "steps": search.fit.step,
            "score": search.score,
            "pilot_score": floor,
            "seconds": self.spent,
        }
        if self.refined is not None:
            return self.refined, said
        pilot = search.fit.problem.pilot
        factor = 1.0 if pilot is None else pilot.floor
        if floor is not None and search.score is not None and search.score > floor * factor:
            return self.pilot, said | {"step": 0, "score": floor}
        return search.best, said

    def why(self) -> str:
        """Why the stream ended."""
        if self.cut and self.settings.seconds is not None:
            return used(self.settings.seconds)
        if self.search is not None:
            return CANCELLED if self.refined is not None and not self.whole else self.search.reason
        if not isinstance(self.problem, Problem) or self.problem.recipe.steps > 0:
            return CANCELLED
        fits = self.problem.pilot is not None and self.problem.pilot.fits
        return "a network was fitted to the estimate" if fits else "no network was fitted"

    def floor(self) -> float | None:
        """The pilot's held-out score."""
        if self.pilot is None or not isinstance(self.problem, Problem) or self.problem.score is None:
            return None
        return float(self.problem.score(self.pilot))

    @property
    def current(self) -> "Restoration":
        """This restoration, which has no parts."""
        return self

    @property
    def done(self) -> Mapping[str, Any]:
        """Empty, since there are no parts."""
        return {}

    @property
    def has_estimate(self) -> bool:
        """Whether there is a result."""
        return self.pilot is not None or (self.search is not None and self.search.best is not None)

    @property
    def can_be_saved(self) -> bool:
        """Whether the state can be saved; not after the rule has stopped, since a resumed fit would go too far."""
        search = self.search
        return search is not None and search.fit.step > 0 and search.reason == CANCELLED

    def state_dict(self) -> dict[str, Any]:
        """Everything that the rest of the stream depends on, besides the constructor's arguments."""
        search = None if self.search is None else self.search.state_dict()
        count = self.count_of_estimates - self.count_of_refined  # a resumed run repeats the refinement
        return {"pilot": self.pilot, "seconds": self.seconds, "search": search, "estimates": count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore ``state_dict()``; call this before iterating."""
        self.pilot, self.seconds, self.held = state["pilot"], state["seconds"], state["search"]
        self.count_of_estimates = state["estimates"]
