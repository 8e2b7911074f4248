"""y = A x + n, A linear: plug-and-play and a network prior for what an instrument measured, and the mixture of both.

    x ← argmin_x ‖√w m ⊙ (A x − y)‖² + κ σ² ‖x − v‖² / s² + λ TV(x),   v ← D_s(x),   s falling   (plug-and-play)
    θ* = argmin_θ ‖H √w m ⊙ (A f_θ(z) − y)‖² + λ TV(f_θ(z)),   H Hᵀ ≈ (A Aᵀ)⁻¹             (network)
    x* = α x + (1 − α) f_θ*(z)

m leaves out measurements that choose κ and λ, the step at which the fit ends, and α: those that predict them best. The
last rounds of plug-and-play see these measurements, too.

Venkatakrishnan, Bouman, Wohlberg, "Plug-and-play priors for model based reconstruction", 2013,
https://doi.org/10.1109/GlobalSIP.2013.6737048
Baguer, Leuschner, Schmidt, "Computed tomography reconstruction using deep image prior and learned reconstruction
methods", 2020, https://arxiv.org/abs/2003.04989
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ipse.engine.objectives import HeldOutError, LeastSquares, Objective, TotalVariation
from ipse.engine.problem import Pilot, Problem, Recipe
from ipse.engine.stopping import HeldOut
from ipse.pilots._correction import turned
from ipse.pilots.non_local import Preset, non_local
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks._data_step import DataStep
from ipse.tasks._splitting import Measured


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset; each kind of scan has its own, chosen in docs/decisions/reconstruct.md."""

    sizes: tuple[Preset, ...]  #: patches of each round of plug-and-play
    trials: tuple[tuple[float, float], ...]  #: κ, and λ in units of σ
    levels: tuple[float, float] = (30 / 255, 1 / 255)  #: s of the first and of the last round
    iterations: int = 8  #: conjugate gradients of a round
    last: int = 4  #: rounds from all measurements
    steps: int = 0  #: of the network; 0 fits none
    rate: float = 0.01  #: learning rate
    patience: int = 250  #: steps without a better score at which the fit ends
    average: float = 0.98
    smoothness: float = 2.0  #: λ, in units of σ


JUDGES, FEWEST = 24, 8  # one group in so many is held out, if there are at least so many
ASKED = 300  # number of steps of a network that is asked for where the preset has none
MORE = 0.4  # with several seeds, the noise that each run adds to y for plug-and-play, in units of σ
MORE_ITERATIONS = 4  # times the conjugate gradients of a round, with total variation
BRIGHT, ROOM = 0.999, 1.1  # the unit is this quantile of the first estimate, times this
FAINTEST = 1e-3  # smallest σ that is assumed, as a fraction of the root mean square of y


@dataclass(frozen=True)
class Scan:
    """A measurement, in units in which the picture is about 1 at its brightest."""

    y: Tensor  #: (1, C, h, w)
    operator: Callable[[Tensor], Tensor]  #: A
    start: Tensor  #: (1, C', H, W), a first estimate in a moment
    sigma: float  #: of the noise of y, where w is 1
    weight: Tensor  #: w ≥ 0, (1, 1, h, w); 0 is not measured
    whitened: Callable[[Tensor], Tensor]  #: H, of a measurement
    within: Callable[[Tensor], Tensor]  #: the nearest picture that can be
    groups: Tensor  #: what is held out together, (1, 1, h, w): equal numbers; −1 is not held out
    unit: float  #: of the result, in its own units
    finished: Callable[[Tensor], Tensor]  #: the result in its own units
    signed: bool = False  #: whether the picture is below 0, too


def problem(scan: Scan, settings: Settings, numbers: Numbers, estimates: dict[str, object]) -> Problem:
    """The problem of a scan: plug-and-play, then the network, then their mixture."""
    asked = (settings.steps, settings.rule, settings.network, settings.latent) != (None,) * 4
    held = held_out(scan, settings)
    score = None
    if held.any():
        score = HeldOutError(scan.whitened(scan.y), held, lambda x: scan.whitened(scan.operator(x)))
    seen = scan.weight * ~held
    rounds = PlugAndPlay(scan, seen, score, numbers, estimates)
    pilot = Pilot(rounds, rounds.perturbed)
    steps = numbers.steps or (ASKED if asked or settings.preset == "paper" else 0)
    if not steps or settings.steps == 0:
        return Problem(
            None, LeastSquares(scan.y, scan.operator), _common.alone(), score=score, pilot=pilot,
            outputs=scan.finished, estimates=estimates,
        )  # fmt: skip
    fidelity = LeastSquares(scan.y, scan.operator)
    recipe = Recipe(steps=steps, learning_rate=numbers.rate, average=numbers.average)
    return Problem(
        prior=_common.free_prior(scan.start, settings, sigmoid=not scan.signed),
        objective=objective(scan, seen, numbers.smoothness),
        recipe=_common.recipe(settings, recipe),
        rule=_common.rule(
            settings, partial(HeldOut, patience=numbers.patience), sigma=scan.sigma, fidelity=fidelity
        ),
        score=score,
        pilot=pilot,
        refine=partial(mixed, scan, rounds, held),
        outputs=scan.finished,
        estimates=estimates,
    )


def brightest(x: Tensor) -> float:
    """The value of the brightest places of x, but for a few."""
    values = x.flatten()
    return float(torch.quantile(values[:: 1 + values.numel() // 2**20], BRIGHT))


def unit_of(x: Tensor) -> float:
    """The unit in which a first estimate x ≥ 0 is about 1 at its brightest; 1 if it is dark."""
    unit = ROOM * brightest(x)
    return unit if unit > 0 and np.isfinite(unit) else 1.0


def held_out(scan: Scan, settings: Settings) -> Tensor:
    """The measurements that judge, bool (1, 1, h, w): whole groups, since the rest of a group says little of it.

    None if there are few groups.
    """
    numbers = scan.groups[scan.groups >= 0].unique()
    if len(numbers) < FEWEST:
        return torch.zeros_like(scan.weight, dtype=torch.bool)
    order = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(settings.seed))
    chosen = numbers[order[: max(1, len(numbers) // JUDGES)].to(numbers.device)]
    return torch.isin(scan.groups, chosen) & (scan.weight > 0)


def objective(scan: Scan, seen: Tensor, smoothness: float) -> Objective:
    """E + R: the whitened misfit, which converges evenly, in units of σ; and total variation."""
    root = seen.sqrt()
    noise = scan.whitened(
        scan.sigma * torch.randn(scan.y.shape, generator=torch.Generator().manual_seed(0)).to(root)
    )
    level = float(noise.square().mean().sqrt()) or 1.0
    misfit = LeastSquares(
        torch.zeros_like(noise), lambda x: scan.whitened(root * (scan.operator(x) - scan.y))
    )
    share = noise.numel() / (2 * level * scan.start[0, 0].numel())
    return share * misfit + smoothness * TotalVariation()


class PlugAndPlay:
    """The first estimates: the start, then the best picture so far by its score, after each round of each trial.

    A trial is a κ and a λ. The last rounds of the best one are repeated with all measurements.
    """

    def __init__(
        self,
        scan: Scan,
        seen: Tensor,
        score: HeldOutError | None,
        numbers: Numbers,
        estimates: dict[str, object],
    ) -> None:
        self.scan, self.seen, self.score, self.numbers = scan, seen, score, numbers
        self.estimates, self.best = estimates, None

    best: Tensor | None  #: the best picture, once there is one, from all but the held-out measurements
    least: float  #: its score
    trial: tuple[float, float]  #: and its κ and λ
    whole: Tensor  #: the last estimate, which at the end is from all measurements

    def perturbed(self, seed: int) -> Iterator[Tensor]:
        """Yield the estimates from data with more noise."""
        noisy = _common.noisier(self.scan.y, MORE * self.scan.sigma, seed)
        again = PlugAndPlay(replace(self.scan, y=noisy), self.seen, self.score, self.numbers, self.estimates)
        for shown in again():
            self.best, self.whole = again.best, shown
            yield shown

    def __call__(self) -> Iterator[Tensor]:
        """Yield the estimates of each trial, and those of the best one from all measurements."""
        for shown in self.tried():
            self.whole = shown
            yield shown

    def tried(self) -> Iterator[Tensor]:
        """Yield the start, then the estimates of each trial, then the last rounds of the best."""
        trials, every = (
            self.numbers.trials if self.score else self.numbers.trials[:1],
            len(self.numbers.sizes),
        )
        self.best, self.least, self.trial = self.scan.start, np.inf, trials[0]
        yield self.scan.start
        for trial in trials:
            yield from self.scored(trial, range(every))
        if self.score:
            yield from self.rounds(
                self.best, self.trial, self.scan.weight, range(every)[-self.numbers.last :]
            )

    def scored(self, trial: tuple[float, float], numbers: Iterable[int]) -> Iterator[Tensor]:
        """Yield the best picture so far after each round of one trial, and keep its last if that is better."""
        first, x = self.least == np.inf, self.scan.start
        for x in self.rounds(self.scan.start, trial, self.seen, numbers):
            self.best = x if first or self.best is None else self.best
            yield self.best
        error = float(self.score(x)) if self.score else 0.0
        if error < self.least:
            self.best, self.least, self.trial = x, error, trial
            self.estimates |= {"pull": trial[0], "smoothness": trial[1], "plug-and-play": error}
            yield x

    @torch.no_grad()
    def rounds(
        self, x: Tensor, trial: tuple[float, float], seen: Tensor, numbers: Iterable[int]
    ) -> Iterator[Tensor]:
        """Denoise x, bring it back to what is seen of the measurement, and yield it, for each number of a round."""
        scan, sizes, (pull, smoothness) = self.scan, self.numbers.sizes, trial
        levels = np.geomspace(*self.numbers.levels, len(sizes)).tolist()
        measured = Measured(scan.y, scan.operator, seen, (x.shape[-2], x.shape[-1]))
        closest = DataStep(measured, scan.within, smoothness * scan.sigma)
        iterations = self.numbers.iterations * (MORE_ITERATIONS if smoothness else 1)
        for number in numbers:
            v = denoised(x, levels[number], sizes[number], number)
            x = closest(v, pull * (scan.sigma / levels[number]) ** 2, iterations=iterations)
            yield x


def denoised(x: Tensor, level: float, size: Preset, number: int) -> Tensor:
    """D_s of a picture, turned: another way each round, so that no direction is preferred."""
    turn = number % 8
    return turned(non_local(turned(x, turn).contiguous(), level, preset=size), turn, back=True).contiguous()


@torch.no_grad()
def mixed(scan: Scan, rounds: PlugAndPlay, held: Tensor, fitted: Tensor) -> Iterator[Tensor]:
    """Yield α x + (1 − α) f, with the α from 0 to 1 that predicts the held-out measurements best."""
    if rounds.best is None:  # the fit was resumed
        for _ in rounds():
            pass
    first, there = rounds.best, held.expand_as(scan.y)
    assert first is not None
    seen, a, b = (scan.whitened(q)[there] for q in (scan.y, scan.operator(first), scan.operator(fitted)))
    rest, way = seen - b, a - b
    share = float((rest * way).sum() / way.square().sum().clamp_min(1e-20)) if len(rest) else 0.5
    share = min(1.0, max(0.0, share))
    if len(rest):
        rounds.estimates["network"] = float(rest.square().mean())
    rounds.estimates["mixture"] = round(share, 3)
    yield share * rounds.whole + (1 - share) * fitted
