"""ipse on a case: its result, its stops against the best step, and a step of the published recipe beside it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case
from ipse import tasks
from ipse.engine.fit import Fit
from ipse.engine.problem import Problem
from ipse.errors import RunError
from ipse.settings import Settings
from ipse.streams.open import open_stream
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Estimate

REFERENCE_STEPS = 2  # after one that is not counted; the faster counts, to the reference's favour
TOLD = {
    "denoise": {"sigma": 25.0, "noise": "gaussian"}
}  # so that there is something to fit, whatever is found
Answer = tuple[NDArray[np.floating], dict[str, Any]]


def result(case: Case, settings: Settings) -> Answer:
    """x*, as a user gets it."""
    stream = open_stream(case.picture, case.task, settings, case.options)
    for _ in stream:
        pass
    found = stream.result()
    return found.picture.pixels, {"step": found.step, "steps": found.steps, "reason": found.reason}


def stops(case: Case, settings: Settings) -> Answer:
    """x*, and the best picture that could have been chosen: every estimate, every step's average, every refinement.

    The steps after the stop count too, to the recipe's last.
    """
    stream = Restoration(case.picture, case.task, settings, case.options)
    curve: list[tuple[float, int]] = []
    for event in stream:
        step = 0 if stream.search is None else stream.search.fit.step
        curve.append(
            (_psnr(case, stream, event.picture if isinstance(event, Estimate) else event.average), step)
        )
    found, fit = stream.result(), stream.search.fit if stream.search else None
    steps = 0 if fit is None else fit.step
    for state in fit or ():
        curve.append((_psnr(case, stream, state.average), state.step))
    best_psnr, best_step = max(curve) if curve else (case.psnr(found.picture.pixels), 0)
    said = {"step": found.step, "steps": steps, "reason": found.reason, "best_step": best_step}
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
