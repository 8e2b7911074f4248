"""Settings that all tasks share. The command's flags are these fields, followed by the task's own options."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict, get_args

from ipse.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Latent = Literal["noise", "meshgrid", "image"]
Preset = Literal["fast", "good", "best", "paper"]
MAX_SEEDS = 1000  # averaging more runs would no longer change any stored level
Precision = Literal["auto", "float32", "bfloat16"]


@cache
def rules() -> tuple[str, ...]:
    """The names of the stopping rules, read from ``engine/stopping`` without importing PyTorch."""
    files = (Path(__file__).parent / "engine" / "stopping").glob("*.py")
    written = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return tuple(sorted(re.findall(r'^    name = "(.+)"$', written, re.MULTILINE)))


@dataclass(frozen=True)
class Settings:
    """How hard to try, on which device, and when to stop. None leaves the choice to the task."""

    preset: Annotated[Preset, "How hard to try; 'paper' is the published recipe and takes hours."] = "good"
    seed: Annotated[int, "Random seed."] = 0
    seeds: Annotated[int, "Number of runs to average; above 1, also writes a map of where they disagree."] = 1
    device: Annotated[str, "Where to compute: auto, cpu, cuda, cuda:1, mps."] = "auto"
    precision: Annotated[Precision, "Network precision: auto is bfloat16 on a GPU, float32 elsewhere."] = (
        "auto"
    )
    steps: Annotated[int | None, "Maximum number of steps; 0 keeps the first estimate."] = None
    seconds: Annotated[float | None, "Time budget in seconds; the best result so far is kept."] = None
    rule: Annotated[str | None, "Stopping rule, which decides the step to keep.", rules] = None
    latent: Annotated[Latent | None, "Fit from this latent, without a first estimate."] = None
    tile: Annotated[int | None, "Tile side in pixels for large pictures; 0 never tiles."] = None
    network: Annotated[str | None, "Network to fit: fast, skip, unet, resnet, …"] = None

    def __post_init__(self) -> None:
        """Check the values that can be checked without a task.

        Raises:
            OptionError: a value is invalid; the message gives the value and what was expected.
        """
        for name, value, choices in (
            ("preset", self.preset, get_args(Preset)),
            ("precision", self.precision, get_args(Precision)),
            ("rule", self.rule, (None, *rules())),
            ("latent", self.latent, (None, *get_args(Latent))),
        ):
            if value not in choices:
                names = ", ".join(str(choice) for choice in choices if choice)
                raise OptionError(f"{name} {value!r} is unknown: choose one of {names}")
        if not 0 <= self.seed < 2**63:
            raise OptionError(f"seed {self.seed} is out of range: give a whole number from 0 to 2⁶³ − 1")
        if self.seeds % 1 or not 1 <= self.seeds <= MAX_SEEDS:
            raise OptionError(f"seeds {self.seeds} cannot be used: give a whole number from 1 to {MAX_SEEDS}")
        if self.seed + self.seeds > 2**63:
            raise OptionError(f"seed {self.seed} is too large for {self.seeds} seeds: give a smaller one")
        if self.steps is not None and self.steps < 0:
            raise OptionError(f"steps {self.steps} is negative: give 0 or more")
        if self.tile is not None and (self.tile < 0 or 0 < self.tile < 64):
            raise OptionError(f"tile {self.tile} is too small: give 64 or more, or 0 for the whole picture")
        if self.seconds is not None and not self.seconds > 0:
            raise OptionError(f"seconds must be greater than 0, got {self.seconds:g}")


@dataclass(frozen=True)
class Place:
    """The position of a part of a picture, in pixels of the damaged picture."""

    top: int
    left: int
    size: tuple[int, int]  #: (H, W) of the whole picture


@dataclass(frozen=True)
class Within(Settings):
    """The settings of one part of a larger picture, with what it needs to be consistent with the other parts."""

    place: Place = Place(0, 0, (1, 1))
    guess: "NDArray[np.float32] | None" = field(default=None, compare=False)
    #: (C, h, w): this part's region of a fill of the downsampled whole picture
    grain: int = 1  #: the factor by which the whole picture was downsampled


class Common(TypedDict, total=False):
    """Keyword arguments of all functions: the fields of ``Settings``, and those that describe an array's channels."""

    preset: Preset
    seed: int
    seeds: int
    device: str
    steps: int | None
    seconds: float | None
    precision: Precision
    rule: str | None
    latent: Latent | None
    tile: int | None
    network: str | None
    channel_axis: int | None
    alpha: bool | None
