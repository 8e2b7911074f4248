"""f(crop): time a task on a crop of the picture, for a few steps."""

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

STEPS = 3  # number of timed steps, after a warm-up step
VIEWS = 6  # approximate number of views that a correction is learnt from
NOISE = 0.1  # σ of the noise added to a crop that needs no restoration


def problem_of(piece: Picture, task: str, settings: Settings, options: Mapping[str, Any]) -> "Problem | None":
    """Return the task's problem for a crop; None if there is nothing to restore even with added noise."""
    from ipse import tasks
    from ipse.engine.problem import Problem

    told = dict(options)
    if is_mask(told.get("mask"), piece):
        told["mask"] = hole(piece)
    problem = tasks.find(task)(piece, settings, **told)
    if not isinstance(problem, Problem):  # the crop is clean, but the rest may not be
        noise = np.random.default_rng(settings.seed).normal(0, NOISE, piece.pixels.shape)
        problem = tasks.find(task)(piece.like(np.clip(piece.pixels + noise, 0, 1)), settings, **told)
    return problem if isinstance(problem, Problem) else None


def middle_problem(
    picture: Picture, side: int, task: str, settings: Settings, options: Mapping[str, Any]
) -> "Problem | None":
    """Return the task's problem for the middle of a picture, with the same part of its masks."""
    from ipse.streams.tiles import options_within

    place = middle(picture, side)
    return problem_of(picture.crop(*place), task, settings, options_within(options, picture.size, *place))


def pilot_seconds(problem: "Problem | None") -> float:
    """Time the first estimates, without a learnt correction."""
    start, taken, last = time.perf_counter(), 0.0, None
    pilot = None if problem is None else problem.pilot
    for estimate in pilot() if pilot else ():
        if pilot and pilot.learns and last is not None and estimate.equal(last):
            break
        last, taken = estimate, time.perf_counter() - start
    return taken


def learning_seconds(pixels: int, channels: int, per_pixel: float, device: str) -> float:
    """The time of a learnt correction, given the number of pixels and the time per pixel of an estimate."""
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
    """Time a step: the minimum of a few, since other programs can only slow it down."""
    from ipse.engine.fit import Fit
    from ipse.engine.prior import GuidedPrior

    if problem is None or problem.recipe.steps == 0:
        return 0.0
    prior = problem.prior
    fit = Fit(problem, pilot=prior.pilot if isinstance(prior, GuidedPrior) else None)
    ends = [fit.advance().seconds for _ in range(1 + STEPS)]
    return min(after - before for before, after in pairwise(ends))


def kept_bytes(problem: "Problem") -> int:
    """Count the bytes that a forward pass keeps for the backward pass, without weights."""
    from ipse.engine.problem import footprint

    return footprint(problem)[0]


def middle(picture: Picture, side: int) -> tuple[slice, slice]:
    """Return the slices of the middle of a picture, at most side × side, aligned to JPEG blocks."""
    height, width = picture.size
    top, left = (max(0, (length - side) // 2) // 32 * 32 for length in (height, width))
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))


def crop(picture: Picture, side: int) -> Picture:
    """Return the middle of a picture."""
    return picture.crop(*middle(picture, side))


def is_mask(value: object, piece: Picture) -> bool:
    """Whether an option is an array of the whole picture's size."""
    if isinstance(value, np.ndarray):
        return value.shape[:2] != piece.size or bool(value.all()) or not value.any()
    return isinstance(value, Path)


def hole(piece: Picture) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return a mask (H, W) of the crop's size with a quarter of it marked."""
    height, width = piece.size
    mask = np.zeros((height, width), np.bool_)
    mask[: max(1, height // 2), : max(1, width // 2)] = True
    return mask
