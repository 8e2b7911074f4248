"""seconds ≈ p·n + T·(a + b·n), bytes ≈ w + m·n: what a fit of n pixels would take.

The real task runs for a few steps on two crops of the picture: two timings give a and b, the tensors that the
backward pass keeps give m.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ipse import machine
from ipse.errors import NotEnoughMemory
from ipse.pictures import Picture
from ipse.settings import Settings, find_device

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.problem import Problem

SIDE = 128  # of the first crop; a multiple of 16, so that JPEG's blocks stay whole
LARGER = (512, 256)  # of the second: the larger, the truer, since large tensors leave the cache
PATIENCE = 4.0  # seconds that the second may take; a slow network gets the smaller one
STEPS = 3  # timed, after one that warms up
SMALL = 1_000_000  # below so many pixels of the result nothing is measured before a fit
SLACK = 1.5  # what the allocator and the gradients in flight add to what the backward pass keeps
COPIES = 12  # float32 pictures that a run holds beside the network's: pilots, averages, the best, samples
NOISE = 0.1  # of the crop, where the crop itself needs no restoration


@dataclass(frozen=True)
class Plan:
    """What a run would take, at most: a rule may stop it earlier."""

    task: str
    preset: str
    device: str
    model: str  #: of the device
    size: tuple[int, int]  #: (H, W) of the picture
    steps: int
    pilot_seconds: float
    seconds: float
    memory: int  #: bytes
    available: int | None  #: bytes; None where the system does not tell
    tiles: bool = False  #: whether the picture is cut into tiles

    @property
    def fits(self) -> bool:
        """Whether the memory is there."""
        return self.available is None or self.memory <= self.available

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(asdict(self) | {"fits": self.fits}, indent=2)

    def to_text(self) -> str:
        """Return the plan in a few lines for people."""
        free = "unknown" if self.available is None else said(self.available)
        return "\n".join(
            [
                f"{self.task} {self.size[1]}×{self.size[0]}, preset {self.preset}",
                f"device: {self.device} ({self.model})",
                f"steps: at most {self.steps}",
                f"seconds: at most about {self.seconds:.0f}, a first estimate after {self.pilot_seconds:.1f}",
                f"memory: about {said(self.memory)}, free {free}{'' if self.fits else ': NOT ENOUGH'}",
                f"tiles: {'yes' if self.tiles else 'no'}",
            ]
        )


def plan(picture: Picture, task: str, settings: Settings, options: Mapping[str, Any]) -> Plan:
    """Measure what a run would take.

    Args:
        picture: the picture that is to be restored.
        task: the name of the task.
        settings: as for the run.
        options: the task's own; a mask is replaced by one of the crops' size.

    Raises:
        InputError: the task refuses the options.
    """
    device, piece = find_device(settings.device), crop(picture, SIDE)
    problem, pixels = problem_of(piece, picture, task, settings, options), pixels_of(piece)
    steps = 0 if problem is None else problem.recipe.steps
    small = step_seconds(problem)
    larger = crop(picture, second_side(small))
    large = step_seconds(problem_of(larger, picture, task, settings, options))
    step = extended([small, large], [pixels, pixels_of(larger)], pixels_of(picture))
    pilot = pilot_seconds(problem) * pixels_of(picture) / pixels
    seconds = pilot + steps * step
    return Plan(
        task=task,
        preset=settings.preset,
        device=device,
        model=machine.device_model(device),
        size=picture.size,
        steps=steps,
        pilot_seconds=round(pilot, 3),
        seconds=round(seconds if settings.seconds is None else min(seconds, settings.seconds), 3),
        memory=memory(problem, pixels, picture, options),
        available=machine.memory_available(device),
    )


def check_memory(
    picture: Picture, task: str, settings: Settings, options: Mapping[str, Any], *, points: int = 0
) -> None:
    """Refuse a fit that would not fit; results of less than a million pixels are not looked at.

    Args:
        picture: as for ``plan``.
        task: as for ``plan``.
        settings: as for ``plan``.
        options: as for ``plan``.
        points: how many of the trajectory's pictures are kept, in 16 bits.

    Raises:
        NotEnoughMemory: says how much it would take and how much there is.
    """
    result = pixels_of(picture) * enlargement(options) ** 2
    if result < SMALL:
        return
    device, piece = find_device(settings.device), crop(picture, SIDE)
    problem = problem_of(piece, picture, task, settings, options)
    need = memory(problem, pixels_of(piece), picture, options) + 2 * picture.channels * result * points
    room = machine.memory_available(device)
    if room is not None and need > room:
        height, width = picture.size
        raise NotEnoughMemory(
            f"{picture.name}: restoring {width}×{height} pixels would take about {said(need)} of memory and "
            f"{said(room)} is free on {device}: give a smaller picture, or another --device"
        )


def second_side(step: float) -> int:
    """Choose the side of the second crop by how long a step took on the first."""
    likely = (1 + STEPS) * step * (LARGER[0] / SIDE) ** 2
    return LARGER[0] if likely <= PATIENCE else LARGER[1]


def extended(seconds: list[float], sizes: list[int], whole: int) -> float:
    """Extend the line through two timings to the whole picture; never below what is in proportion."""
    (small, large), (first, second) = seconds, sizes
    slope = max((large - small) / (second - first), large / second) if second > first else large / second
    return large + slope * (whole - second)


def memory(problem: "Problem | None", pixels: int, picture: Picture, options: Mapping[str, Any]) -> int:
    """Scale what a crop of so many pixels keeps to the whole picture, in bytes."""
    if problem is None:
        return 0
    held = COPIES * 4 * picture.channels * pixels_of(picture) * enlargement(options) ** 2
    weights = sum(weight.numel() * weight.element_size() for weight in problem.prior.parameters())
    return round(SLACK * kept_bytes(problem) * pixels_of(picture) / pixels) + 4 * weights + held


def pixels_of(picture: Picture) -> int:
    """H · W."""
    return picture.size[0] * picture.size[1]


def enlargement(options: Mapping[str, Any]) -> int:
    """How many times each side grows."""
    factor = options.get("factor")
    return factor if isinstance(factor, int) and factor > 0 else 1


def problem_of(
    piece: Picture, picture: Picture, task: str, settings: Settings, options: Mapping[str, Any]
) -> "Problem | None":
    """Return the task's problem for a piece of the picture; None if even with noise nothing is to be done."""
    from ipse import tasks
    from ipse.problem import Problem

    told = dict(options) | {name: hole(piece) for name, value in options.items() if is_mask(value)}
    if picture.jpeg is not None and "quality" in told and told["quality"] is None:
        told["quality"] = picture.jpeg.quality  # a crop has lost the tables
    problem = tasks.find(task)(piece, settings, **told)
    if not isinstance(problem, Problem):  # this piece is clean: the rest may not be
        noise = np.random.default_rng(settings.seed).normal(0, NOISE, piece.pixels.shape)
        problem = tasks.find(task)(piece.like(np.clip(piece.pixels + noise, 0, 1)), settings, **told)
    return problem if isinstance(problem, Problem) else None


def pilot_seconds(problem: "Problem | None") -> float:
    """Time the pilot."""
    start = time.perf_counter()
    for _ in problem.pilot() if problem is not None and problem.pilot else ():
        pass
    return time.perf_counter() - start


def step_seconds(problem: "Problem | None") -> float:
    """Time a step: the least of a few, since whatever else runs can only add to it."""
    from ipse.fit import Fit
    from ipse.prior import GuidedPrior

    if problem is None or problem.recipe.steps == 0:
        return 0.0
    prior = problem.prior
    fit = Fit(problem, pilot=prior.pilot if isinstance(prior, GuidedPrior) else None)
    ends = [fit.advance().seconds for _ in range(1 + STEPS)]
    return min(after - before for before, after in pairwise(ends))


def kept_bytes(problem: "Problem") -> int:
    """Count the bytes that one forward pass keeps for the backward pass, weights excepted."""
    import torch

    weights = {weight.untyped_storage().data_ptr() for weight in problem.prior.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: "Tensor") -> "Tensor":
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = problem.objective(problem.prior())
    del loss  # alive until here, so that no address was given out twice
    return sum(seen.values())


def crop(picture: Picture, side: int) -> Picture:
    """Return the middle of a picture, at most side × side."""
    height, width = picture.size
    top, left = (max(0, (length - side) // 2) // 8 * 8 for length in (height, width))
    place = (slice(top, top + side), slice(left, left + side))
    alpha = None if picture.alpha is None else picture.alpha[place]
    return replace(picture, samples=picture.samples[place], alpha=alpha, jpeg=None)


def is_mask(value: object) -> bool:
    """Whether an option is a picture or array that lies over the picture."""
    return isinstance(value, Path | np.ndarray)


def hole(piece: Picture) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return a mask (H, W) of the piece's size, a quarter of it marked; a single pixel has its half."""
    height, width = piece.size
    mask = np.zeros((height, width), np.bool_)
    mask[: max(1, height // 2), : max(1, width // 2)] = True
    return mask


def said(size: float) -> str:
    """Bytes for people."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"
