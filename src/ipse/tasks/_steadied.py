"""x = f + w (g − f),   w = e(f)² / (e(f)² + 2 e(g)²): in a hole, a fit f and the smooth fill g, as each is right.

e is the mean squared error in held-out squares, which neither has seen. Squares have a rim nearer than holes have, to
the advantage of g: hence the squares of e, and the 2. Before that, f is an average over T ∝ depth³ outputs: what is far
from a rim wanders the more (measured: docs/decisions/inpainting.md).
"""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.engine.problem import Problem

STEPS = 0.06  # that are averaged, times depth³
DOUBT = 2.0  # of the smooth fill


def steadied(problem: "Problem", *, depth: int) -> "Problem":
    """The problem with a longer average, and with its smooth fill (its one pilot) in its outputs.

    Args:
        problem: the fit of a hole, with a pilot; without a score only the average changes.
        depth: of the hole, pixels.
    """
    import torch

    pilot, score, outputs = problem.pilot, problem.score, problem.outputs
    steady = replace(problem, recipe=replace(problem.recipe, average=1 - 1 / (STEPS * depth**3)))
    if pilot is None or score is None:
        return steady

    @cache
    def fill() -> "Tensor":
        *_, smooth = pilot()
        return smooth

    def mixed(x: "Tensor") -> "Tensor":
        fits, smooth = (float(score(one)) ** 2 for one in (x, fill()))
        share = fits / (fits + DOUBT * smooth) if fits else 0.0
        return outputs(torch.lerp(x, fill(), share))

    return replace(steady, pilot=lambda: iter([fill()]), outputs=mixed)
