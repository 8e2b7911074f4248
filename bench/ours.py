"""ipse on a case: its result, its stops against the best step, and a step of the published recipe beside it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case
from ipse import tasks
from ipse.errors import RunError
from ipse.fit import Fit
from ipse.problem import Problem
from ipse.restoration import Estimate, Restoration
from ipse.settings import Settings
from ipse.tiled import restoration

REFERENCE_STEPS = 2  # after one that is not counted; the faster counts, to the reference's favour
TOLD = {
    "denoise": {"sigma": 25.0, "noise": "gaussian"}
}  # so that there is something to fit, whatever is found
Answer = tuple[NDArray[np.floating], dict[str, Any]]


def result(case: Case, settings: Settings) -> Answer:
    """x*, as a user gets it."""
    stream = restoration(case.picture, case.task, settings, case.options)
    for _ in stream:
        pass
    found = stream.result()
    return found.picture.pixels, {"step": found.step, "steps": found.steps, "reason": found.reason}


def stops(case: Case, settings: Settings) -> Answer:
    """x*, and the best picture that the rule could have chosen: every estimate, and every step's average.

    The steps after the stop count too, to the recipe's last.
    """
    stream = Restoration(case.picture, case.task, settings, case.options)
    curve: list[float] = []
    for event in stream:
        curve.append(_psnr(case, stream, event.picture if isinstance(event, Estimate) else event.average))
    found, fit = stream.result(), stream.search.fit if stream.search else None
    steps = 0 if fit is None else fit.step
    for state in fit or ():
        curve.append(_psnr(case, stream, state.average))
    pilots = len(curve) - (fit.step if fit else 0)
    best = int(np.argmax(curve)) if curve else 0
    said = {
        "step": found.step,
        "steps": steps,
        "reason": found.reason,
        "best_step": max(0, best - pilots + 1),
    }
    best_psnr = max(curve) if curve else case.psnr(found.picture.pixels)
    return found.picture.pixels, said | {"best_psnr": best_psnr}


def _psnr(case: Case, stream: Restoration, fitted: Any) -> float:
    """Of a candidate, as the result would be."""
    assert isinstance(stream.problem, Problem)
    return case.psnr(stream.problem.outputs(fitted)[0].float().cpu().numpy())


def reference(case: Case, settings: Settings) -> Answer:
    """Seconds of a step of the published recipe here, and how many steps it has.

    Raises:
        RunError: the task finds nothing to restore, so there is no fit to time.
    """
    told = Settings(preset="paper", seed=settings.seed)
    problem = tasks.find(case.task)(case.picture, told, **case.options, **TOLD.get(case.task, {}))
    if not isinstance(problem, Problem):
        raise RunError(f"{case.name}: the published recipe has nothing to fit: {problem.said}")
    fit = Fit(problem)
    states = [fit.advance() for _ in range(1 + REFERENCE_STEPS)]
    seconds = float(np.diff([state.seconds for state in states]).min())
    return states[-1].raw[0].cpu().numpy(), {"seconds": seconds, "steps": problem.recipe.steps}
