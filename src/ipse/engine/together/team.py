"""θ_k ← θ_k − η · Adam(∇ Σ_j [E_j(A_j f_θj(z_j); y_j) + R_j]): fits of the same size that take their steps together.

    for states in together({search.fit: iter(search) for search in searches}):
        ...                               # (fit, state) for each fit that is still running

No term depends on two fits, so each fit has the same gradient as alone, and keeps its own jitter, rule, best picture
and end. When a fit leaves, its slice is removed and the others become cheaper. Fits that cannot be stacked, or fail
when stacked, run alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from torch import nn

from ipse.devices import memory_available
from ipse.engine.fit import Fit
from ipse.engine.prior import GuidedPrior, Prior
from ipse.engine.problem import Problem, footprint
from ipse.engine.stopping import State
from ipse.engine.together.alike import alike
from ipse.engine.together.stack import UNFIT, Fallen, Vectorised

Event = TypeVar("Event")
MOST = 8  # default maximum number of fits in a team
SLACK = 1.5  # factor on the backward pass's memory, for the allocator and temporary gradients
WEIGHTS = 8  # copies of θ in memory: stacked and separate, each with its gradient and Adam's two moments
PICTURES = 12  # further float32 pictures per fit: measurement, pilot, average, best, and temporary ones


class Team:
    """Fits that take their steps together; the caller advances each of them once per round.

    Args:
        fits: fits of the same ``kind``, at the same step, with alike networks.
    """

    def __init__(self, fits: Iterable[Fit]) -> None:
        self.fits = list(fits)
        self.stack = Vectorised(self.fits)
        self.ready: dict[Fit, State] = {}  #: states that have been computed but not yet returned
        for fit in self.fits:
            fit.team = self

    def advance(self, fit: Fit) -> State:
        """Return the fit's next state; the first call of a round takes a step with all fits."""
        if fit not in self.ready:
            if self.ready:  # other fits have not finished this round, so this one continues alone
                self.leave(fit)
            else:
                self.step()
        if fit.team is None:
            return fit.advance()
        state = self.ready.pop(fit)
        fit.step, fit.seconds, fit.average = state.step, state.seconds, state.average
        if fit.step >= fit.recipe.steps:
            self.leave(fit)
        return state

    def step(self) -> None:
        """Take a step with all fits. Fits for which that fails leave the team, as does the last one."""
        while len(self.fits) > 1:
            try:
                if len(self.fits) < len(self.stack.fits):
                    self.stack.keep(self.fits)
                self.ready = dict(zip(self.fits, self.stack.step(), strict=True))
                return
            except Fallen as those:  # these restore their weights alone, and the others step without them
                leaving = list(those.fits)
            except (
                UNFIT
            ):  # vmap failed or memory ran out; a fit's own error will be raised again when it runs alone
                leaving = list(self.fits)
            for fit in leaving:
                self.leave(fit)
        for fit in list(self.fits):
            self.leave(fit)

    def give(self, fit: Fit) -> None:
        """Copy weights, moments, average and step number back to the fit."""
        state = self.ready.get(fit)
        if state is not None:  # computed, but not yet returned
            fit.step, fit.seconds = state.step, state.seconds
        self.stack.give(fit)

    def leave(self, fit: Fit) -> None:
        """Copy the fit's state back and remove it; its slice is removed from the stack before the next step."""
        self.give(fit)
        self.fits.remove(fit)
        self.ready.pop(fit, None)
        fit.team = None


def kind(fit: Fit) -> tuple[object, ...] | None:
    """The properties that fits must share to be stacked, besides their networks; None if a fit cannot be stacked."""
    prior, recipe = fit.prior, fit.recipe
    plain = (
        type(prior) in (Prior, GuidedPrior)
        and not prior.weight_noise
        and not isinstance(prior.z, nn.Parameter)
        and fit.problem.learnt is None
        and recipe.optimiser == "adam"
        and fit.team is None
    )
    if not plain:
        return None
    z = prior.z
    steps = fit.step, moments_of(fit)
    return type(prior), recipe, steps, prior.size, prior.jitter, z.shape, z.dtype, z.device


def moments_of(fit: Fit) -> int:
    """The number of gradients in Adam's moments, which is less than the number of steps after a fall-back."""
    return max((int(state.get("step", 0)) for state in fit.optimiser.state.values()), default=0)


def join(fits: Iterable[Fit]) -> None:
    """Group the fits that can be stacked into teams."""
    teams: list[list[Fit]] = []
    for fit in fits:
        own = kind(fit)
        mates = (
            team for team in teams if kind(team[0]) == own and alike(team[0].prior.network, fit.prior.network)
        )
        if own is not None:
            team = next(mates, None)
            if team is None:
                teams.append([fit])
            else:
                team.append(fit)
    for team in teams:
        if len(team) > 1:
            Team(team)


def together(streams: Mapping[Fit, Iterator[Event]]) -> Iterator[list[tuple[Fit, Event]]]:
    """Iterate over several streams at a time, so that their fits take their steps together if possible.

    Args:
        streams: an iterator for each fit, which takes its steps, such as a search or a restoration. None of them may
            have taken a step yet.

    Yields:
        The events of each round, one for every fit in a team. Once a fit is alone, its stream is run to the end, with
        one event per round.
    """
    join(streams)
    under_way = dict(streams)
    while under_way:
        events: list[tuple[Fit, Event]] = []
        for fit, stream in under_way.items():
            if fit.team is not None:
                event = next(stream, None)
                if event is None:  # the stream ended without taking a step
                    fit.leave()
                else:
                    events.append((fit, event))
        if events:
            yield events
        for fit in [fit for fit in under_way if fit.team is None]:
            for event in under_way.pop(fit):
                yield [(fit, event)]


def at_once(problem: Problem, most: int) -> int:
    """The number of fits like this one that the device has memory for, from 1 to ``most``."""
    if problem.prior is None or most < 2:
        return 1
    room = memory_available(str(problem.prior.z.device))
    weights = sum(weight.numel() * weight.element_size() for weight in problem.prior.parameters())
    kept, picture = footprint(problem)
    each = SLACK * kept + WEIGHTS * weights + PICTURES * picture
    return most if room is None else max(1, min(most, int(room / each)))


def worthwhile(problem: Problem, most: int) -> int:
    """The number of fits like this one that run faster together than one by one; on a CPU it is 1."""
    cuda = problem.prior is not None and problem.prior.z.device.type == "cuda"
    return at_once(problem, min(most, MOST)) if cuda else 1
