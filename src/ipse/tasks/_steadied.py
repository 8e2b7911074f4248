"""x = f + w (g − f),   w = e(f)² / (e(f)² + 2 e(g)²): a weighted mean of the fit f and the smooth fill g of a hole.

e is the mean squared error in held-out squares, which neither has seen. The squares are closer to a rim than the
inside of a hole, which favours g; hence e is squared, and e(g)² is weighted by 2. Before that, f is averaged over
T ∝ depth³ outputs, because pixels far from the rim vary most (measured: docs/decisions/inpainting.md).
"""

from dataclasses import replace
from functools import cache

import torch
from torch import Tensor

from ipse.engine.problem import Problem

STEPS = 0.06  # number of averaged steps per depth³
SMOOTH_WEIGHT = 2.0  # weight of the smooth fill's squared error


def steadied(problem: Problem, *, depth: int) -> Problem:
    """The problem with a longer average, and with the smooth fill mixed into its outputs.

    Args:
        problem: the fit of a hole, whose first estimate is the smooth fill. Without a score, only the average changes.
        depth: depth of the hole, in pixels.
    """
    pilot, score, outputs = problem.pilot, problem.score, problem.outputs
    steady = replace(problem, recipe=replace(problem.recipe, average=1 - 1 / (STEPS * depth**3)))
    if pilot is None or score is None:
        return steady

    @cache
    def fill() -> Tensor:
        *_, smooth = pilot()
        return smooth

    def mixed(x: Tensor) -> Tensor:
        fits, smooth = (float(score(one)) ** 2 for one in (x, fill()))
        share = fits / (fits + SMOOTH_WEIGHT * smooth) if fits else 0.0
        return outputs(torch.lerp(x, fill(), share))

    return replace(steady, pilot=replace(pilot, estimates=lambda: iter([fill()])), outputs=mixed)
