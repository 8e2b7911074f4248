"""f(crop): the real task on a piece of a picture, for a few steps, to see what they take."""

import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ipse.pictures import Picture
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.engine.problem import Problem

STEPS = 3  # timed, after one that warms up
VIEWS = 6  # that a correction is learnt from, about
NOISE = 0.1  # of the crop, where the crop itself needs no restoration


def problem_of(piece: Picture, task: str, settings: Settings, options: Mapping[str, Any]) -> "Problem | None":
    """Return the task's problem for a piece of the picture; None if even with noise nothing is to be done."""
    from ipse import tasks
    from ipse.engine.problem import Problem

    told = dict(options)
    if is_mask(told.get("mask"), piece):
        told["mask"] = hole(piece)
    problem = tasks.find(task)(piece, settings, **told)
    if not isinstance(problem, Problem):  # this piece is clean: the rest may not be
        noise = np.random.default_rng(settings.seed).normal(0, NOISE, piece.pixels.shape)
        problem = tasks.find(task)(piece.like(np.clip(piece.pixels + noise, 0, 1)), settings, **told)
    return problem if isinstance(problem, Problem) else None


def middle_problem(
    picture: Picture, side: int, task: str, settings: Settings, options: Mapping[str, Any]
) -> "Problem | None":
    """Return the task's problem for the middle of a picture, with its part of what lies over the picture."""
    from ipse.streams.tiles import options_within

    place = middle(picture, side)
    return problem_of(picture.crop(*place), task, settings, options_within(options, picture.size, *place))


def pilot_seconds(problem: "Problem | None") -> float:
    """Time the pilot, without what it may learn from its result."""
    start, taken, last = time.perf_counter(), 0.0, None
    for estimate in problem.pilot() if problem is not None and problem.pilot else ():
        if problem is not None and problem.learns and last is not None and estimate.equal(last):
            break
        last, taken = estimate, time.perf_counter() - start
    return taken


def learning_seconds(pixels: int, channels: int, per_pixel: float, device: str) -> float:
    """Time what learning from replicates of so many pixels takes, where an estimate takes so long for a pixel."""
    import torch

    from ipse.pilots import _correction as learnt
    from ipse.pilots.bootstrap import replicated

    views = torch.rand(VIEWS, channels, learnt.CROP, learnt.CROP, device=device)
    steps = learnt.Correction([(views[:1], views)], torch.Generator().manual_seed(0)).fitted()
    next(steps)
    start = time.perf_counter()
    for _ in range(STEPS):
        next(steps)
    side = round(pixels**0.5)
    return replicated((side, side)) * per_pixel + learnt.STEPS * (time.perf_counter() - start) / STEPS


def step_seconds(problem: "Problem | None") -> float:
    """Time a step: the least of a few, since whatever else runs can only add to it."""
    from ipse.engine.fit import Fit
    from ipse.engine.prior import GuidedPrior

    if problem is None or problem.recipe.steps == 0:
        return 0.0
    prior = problem.prior
    fit = Fit(problem, pilot=prior.pilot if isinstance(prior, GuidedPrior) else None)
    ends = [fit.advance().seconds for _ in range(1 + STEPS)]
    return min(after - before for before, after in pairwise(ends))


def kept_bytes(problem: "Problem") -> int:
    """Count the bytes that one forward pass keeps for the backward pass, weights excepted."""
    from ipse.engine.problem import footprint

    return footprint(problem)[0]


def middle(picture: Picture, side: int) -> tuple[slice, slice]:
    """Return where the middle of a picture is, at most side × side; it begins where any JPEG's blocks do."""
    height, width = picture.size
    top, left = (max(0, (length - side) // 2) // 32 * 32 for length in (height, width))
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))


def crop(picture: Picture, side: int) -> Picture:
    """Return the middle of a picture."""
    return picture.crop(*middle(picture, side))


def is_mask(value: object, piece: Picture) -> bool:
    """Whether an option lies over the whole picture, and says nothing of this piece."""
    if isinstance(value, np.ndarray):
        return value.shape[:2] != piece.size or bool(value.all()) or not value.any()
    return isinstance(value, Path)


def hole(piece: Picture) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return a mask (H, W) of the piece's size, a quarter of it marked; a single pixel has its half."""
    height, width = piece.size
    mask = np.zeros((height, width), np.bool_)
    mask[: max(1, height // 2), : max(1, width // 2)] = True
    return mask
