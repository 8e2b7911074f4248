"""seconds ≈ p·n + l + T·(a + b·n), bytes ≈ w + m·n: what a fit of n pixels would take; l where the pilot learns.

The real task runs for a few steps on two crops of the picture: two timings give a and b, the tensors that the
backward pass keeps give m.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse import devices, tasks
from ipse.devices import find_device
from ipse.errors import NotEnoughMemory
from ipse.pictures import Picture
from ipse.pictures.tiling import count, enlargement, side_for
from ipse.runs.trial import (
    STEPS,
    crop,
    kept_bytes,
    learning_seconds,
    middle_problem,
    pilot_seconds,
    step_seconds,
)
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.engine.problem import Problem

SIDE = 128  # side of the first crop; a multiple of 16, so that JPEG blocks stay whole
LARGER = (
    512,
    256,
)  # candidate sides of the second crop; larger ones are more accurate, since they exceed the cache
PATIENCE = 4.0  # maximum seconds for the second crop; the smaller one is used if a network is slow
SMALL = 1_000_000  # number of pixels of the result below which nothing is measured before a fit
SLACK = 1.5  # factor on the backward pass's memory, for the allocator and temporary gradients
TILE = 256  # suggested tile side if memory is short
WHOLE = 5  # float32 copies of the whole picture in a tiled run
AVERAGES = 6  # float32 pictures for averaging seeds: mean and squares so far, and the next ones
COPIES = 28  # further float32 pictures: averages, samples, and those of first estimates (measured at 512² and 1024²)


@dataclass(frozen=True)
class Plan:
    """Upper bounds of the time and memory of a run; a rule may stop it earlier."""

    task: str
    preset: str
    device: str
    model: str  #: model name of the device
    size: tuple[int, int]  #: (H, W) of the picture
    steps: int
    pilot_seconds: float
    seconds: float
    memory: int  #: bytes
    available: int | None  #: bytes; None if the system does not report it
    tiles: int  #: number of tiles; 1 for the whole picture
    seeds: int  #: number of runs to average

    @property
    def fits(self) -> bool:
        """Whether there is enough memory."""
        return self.available is None or self.memory <= self.available

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return json.dumps(asdict(self) | {"fits": self.fits}, indent=2)

    def to_text(self) -> str:
        """Return the plan as a few lines of text."""
        free = "unknown" if self.available is None else said(self.available)
        return "\n".join(
            [
                f"{self.task} {self.size[1]}×{self.size[0]}, preset {self.preset}",
                f"device: {self.device} ({self.model})",
                f"steps: at most {self.steps}{' for each tile' if self.tiles > 1 else ''}",
                f"seconds: at most about {self.seconds:.0f}, a first estimate after {self.pilot_seconds:.1f}",
                f"memory: about {said(self.memory)}, free {free}{'' if self.fits else ': NOT ENOUGH'}",
                f"tiles: {self.tiles if self.tiles > 1 else 'no'}",
                *([f"seeds: {self.seeds}, averaged"] if self.seeds > 1 else []),
            ]
        )


def plan(picture: Picture, task: str, settings: Settings, options: Mapping[str, Any]) -> Plan:
    """Measure the time and memory that a run would take.

    Args:
        picture: the picture to restore.
        task: name of the task.
        settings: settings of the run.
        options: the task's own options; masks are replaced by those of the crops' size.

    Raises:
        InputError: the task rejects the options.
    """
    size, settings = picture.size, tasks.uncut(task, settings)
    picture = crop(picture, SIDE) if of_one_size(task) else picture
    device, piece = find_device(settings.device), crop(picture, SIDE)
    found = tasks.look(task)(picture, settings, **options)
    told = found if isinstance(found, dict) else options
    problem, pixels = middle_problem(picture, SIDE, task, settings, told), pixels_of(piece)
    small = step_seconds(problem)
    larger = crop(picture, second_side(small))
    large = step_seconds(middle_problem(picture, second_side(small), task, settings, told))
    parts, once = cut(picture, settings, options)
    fits = parts + (parts > 1 and fits_the_whole(task, told))
    step = extended([small, large], [pixels, pixels_of(larger)], once)
    pilot, learnt = estimating(problem, pixels, once, picture.channels, device)
    whole = middle_problem(
        picture, round(once**0.5) if parts > 1 else max(picture.size), task, settings, told
    )
    steps = 0 if whole is None else whole.recipe.steps
    need, room = memory(problem, pixels, picture, settings, options), devices.memory_available(device)
    return Plan(
        task, settings.preset, device, devices.device_model(device), size, steps,
        pilot_seconds=round(pilot, 3),
        seconds=round(
            min(settings.seeds * fits * (pilot + learnt + steps * step), settings.seconds or math.inf), 3
        ),
        memory=need * (at_once(settings.seeds, need, room) if steps and device.startswith("cuda") else 1),
        available=room,
        tiles=parts,
        seeds=settings.seeds,
    )  # fmt: skip


def check_memory(
    picture: Picture, task: str, settings: Settings, options: Mapping[str, Any], *, points: int = 0
) -> None:
    """Check that there is enough memory; results of less than a million pixels are not checked.

    Args:
        picture: see ``plan``.
        task: see ``plan``.
        settings: see ``plan``.
        options: see ``plan``.
        points: number of pictures of the trajectory that are kept, in 16 bits.

    Raises:
        NotEnoughMemory: there is not; the message gives the required and the free memory.
    """
    result, settings = pixels_of(picture) * enlargement(options) ** 2, tasks.uncut(task, settings)
    if result < SMALL or of_one_size(task):
        return
    device, piece = find_device(settings.device), crop(picture, SIDE)
    found = tasks.look(task)(picture, settings, **options)
    problem = middle_problem(picture, SIDE, task, settings, found) if isinstance(found, dict) else None
    need = (
        memory(problem, pixels_of(piece), picture, settings, options) + 2 * picture.channels * result * points
    )
    room = devices.memory_available(device)
    if room is not None and need > room:
        height, width = picture.size
        raise NotEnoughMemory(
            f"{picture.name}: restoring {width}×{height} pixels would take about {said(need)} of memory and "
            f"{said(room)} is free on {device}: give --tile {TILE}, a smaller picture, or another --device"
        )


def estimating(
    problem: "Problem | None", pixels: int, whole: int, channels: int, device: str
) -> tuple[float, float]:
    """Time the first estimate on a crop; return the time for the whole, and that of its learnt correction."""
    per_pixel = pilot_seconds(problem) / pixels
    learns = problem is not None and problem.pilot is not None and problem.pilot.learns
    return per_pixel * whole, learning_seconds(whole, channels, per_pixel, device) if learns else 0.0


def second_side(step: float) -> int:
    """Choose the side of the second crop by the time of a step on the first."""
    likely = (1 + STEPS) * step * (LARGER[0] / SIDE) ** 2
    return LARGER[0] if likely <= PATIENCE else LARGER[1]


def extended(seconds: list[float], sizes: list[int], whole: int) -> float:
    """Extrapolate two timings linearly to the whole picture; at least in proportion to its pixels."""
    (small, large), (first, second) = seconds, sizes
    slope = max((large - small) / (second - first), large / second) if second > first else large / second
    return large + slope * (whole - second)


def memory(
    problem: "Problem | None", pixels: int, picture: Picture, settings: Settings, options: Mapping[str, Any]
) -> int:
    """Scale the memory of a crop to that of one fit, of the whole picture or a tile, in bytes."""
    if problem is None:
        return 0
    (parts, once), sample = cut(picture, settings, options), 4 * picture.channels * enlargement(options) ** 2
    copies = COPIES + (AVERAGES if settings.seeds > 1 else 0)
    held = (copies * once + (WHOLE * pixels_of(picture) if parts > 1 else 0)) * sample
    if problem.prior is None:
        return held
    weights = sum(weight.numel() * weight.element_size() for weight in problem.prior.parameters())
    return round(SLACK * kept_bytes(problem) * once / pixels) + 4 * weights + held


def at_once(seeds: int, need: int, room: int | None) -> int:
    """The number of seeds that a device fits together, given the memory of each in bytes."""
    from ipse.engine.together.team import MOST

    return max(1, min(seeds, MOST, seeds if room is None else room // max(1, need)))


def cut(picture: Picture, settings: Settings, options: Mapping[str, Any]) -> tuple[int, int]:
    """Return the number of fits, and the number of pixels of each."""
    side = side_for(picture.size, told=settings.tile, factor=enlargement(options))
    if not side:
        return 1, pixels_of(picture)
    height, width = picture.size
    return count(picture.size, tile=side, factor=enlargement(options)), min(side, height) * min(side, width)


def fits_the_whole(task: str, options: Mapping[str, Any]) -> bool:
    """Whether the downsampled picture is fitted before the tiles."""

    def shrink(_known: object) -> tuple[Picture, NDArray[np.bool_]]:
        return Picture.from_array(np.zeros((1, 1), np.uint8)), np.ones((1, 1), np.bool_)

    return tasks.coarse(task)(shrink, **options) is not None


def of_one_size(task: str) -> bool:
    """Whether the size of the fit does not depend on the picture's size."""
    return tasks.sees(task) in ("resized", "nothing")


def pixels_of(picture: Picture) -> int:
    """H · W."""
    return picture.size[0] * picture.size[1]


def said(size: float) -> str:
    """A size in bytes as text."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{max(1, round(size / 2**20))} MiB"
