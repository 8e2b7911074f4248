"""θ_k ← θ_k − η · Adam(∇ Σ_j [E_j(A_j f_θj(z_j); y_j) + R_j]): fits of one size, a step of all at once.

    for states in together({search.fit: iter(search) for search in searches}):
        ...                               # (fit, state) of each that is still under way

No term depends on two fits, so each gets the gradient that it would have alone, and keeps its own jitter, rule, best
picture and end. A fit that leaves takes its slice with it, and the rest costs less. What cannot be stacked is fitted
alone, and so is all that fails when stacked.
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
MOST = 8  # fits at once, unless told otherwise
SLACK = 1.5  # what the allocator and the gradients in flight add to what the backward pass keeps
WEIGHTS = 8  # copies of θ: stacked and alone, each with its gradient and Adam's two moments
PICTURES = 12  # of float32 that a fit holds besides: measurement, pilot, average, best, and those in flight


class Team:
    """Fits that take their steps at once; whoever pulls them pulls each once a round.

    Args:
        fits: of one ``kind``, at the same step, their networks alike.
    """

    def __init__(self, fits: Iterable[Fit]) -> None:
        self.fits = list(fits)
        self.stack = Vectorised(self.fits)
        self.ready: dict[Fit, State] = {}  #: states that nobody has pulled yet
        for fit in self.fits:
            fit.team = self

    def advance(self, fit: Fit) -> State:
        """The fit's next state; the first to ask in a round has all take their step."""
        if fit not in self.ready:
            if self.ready:  # others are still behind, so that this one goes ahead alone
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
        """Take a step with all, or part where that does not work or is no use."""
        while len(self.fits) > 1:
            try:
                if len(self.fits) < len(self.stack.fits):
                    self.stack.keep(self.fits)
                self.ready = dict(zip(self.fits, self.stack.step(), strict=True))
                return
            except Fallen as those:  # they go back by themselves, and the others take their step without them
                leaving = list(those.fits)
            except UNFIT:  # vmap, or the memory: alone, a fit raises what is its own fault
                leaving = list(self.fits)
            for fit in leaving:
                self.leave(fit)
        for fit in list(self.fits):
            self.leave(fit)

    def give(self, fit: Fit) -> None:
        """Put weights, moments and average into the fit, and the step that they are of."""
        state = self.ready.get(fit)
        if state is not None:  # which nobody has pulled yet
            fit.step, fit.seconds = state.step, state.seconds
        self.stack.give(fit)

    def leave(self, fit: Fit) -> None:
        """Give, and go on without it: its slice leaves the stack before the next step."""
        self.give(fit)
        self.fits.remove(fit)
        self.ready.pop(fit, None)
        fit.team = None


def kind(fit: Fit) -> tuple[object, ...] | None:
    """What fits must share to be stacked, besides their networks' structure; None where a fit is its own."""
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
    """How many gradients are in Adam's moments: fewer than steps were taken where the fit fell back."""
    return max((int(state.get("step", 0)) for state in fit.optimiser.state.values()), default=0)


def join(fits: Iterable[Fit]) -> None:
    """Make teams of those that can be stacked; the others stay alone."""
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
    """Pull streams, each of which takes its fit's steps, so that the fits take them at once where they can.

    Args:
        streams: of searches, restorations or whatever pulls them; none has taken a step since it was opened.

    Yields:
        What came of a round: of every stream whose fit goes with others, an event. Where a fit is alone, or is done,
        its stream is pulled to its end, an event a round.
    """
    join(streams)
    under_way = dict(streams)
    while under_way:
        events: list[tuple[Fit, Event]] = []
        for fit, stream in under_way.items():
            if fit.team is not None:
                event = next(stream, None)
                if event is None:  # it ended without a step
                    fit.leave()
                else:
                    events.append((fit, event))
        if events:
            yield events
        for fit in [fit for fit in under_way if fit.team is None]:
            for event in under_way.pop(fit):
                yield [(fit, event)]


def at_once(problem: Problem, most: int) -> int:
    """How many fits like this one a device has memory for, from 1 to ``most``."""
    if problem.prior is None or most < 2:
        return 1
    room = memory_available(str(problem.prior.z.device))
    weights = sum(weight.numel() * weight.element_size() for weight in problem.prior.parameters())
    kept, picture = footprint(problem)
    each = SLACK * kept + WEIGHTS * weights + PICTURES * picture
    return most if room is None else max(1, min(most, int(room / each)))


def worthwhile(problem: Problem, most: int) -> int:
    """How many fits like this one are quicker at once than in turn: on a CPU, which one fit keeps busy, only one."""
    cuda = problem.prior is not None and problem.prior.z.device.type == "cuda"
    return at_once(problem, min(most, MOST)) if cuda else 1
