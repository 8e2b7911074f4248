"""What every task can be told, whatever it restores. The flags of the command are these fields and a task's own."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from ipse.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Latent = Literal["noise", "meshgrid", "image"]
Preset = Literal["fast", "good", "best", "paper"]
MOST = 1000  # seeds: beyond, an average of runs changes no stored level
Precision = Literal["auto", "float32", "bfloat16"]
RuleName = Literal["held-out", "wmv", "emv", "discrepancy", "last"]


@dataclass(frozen=True)
class Settings:
    """How hard to try, on what, and when to stop. None leaves it to the task."""

    preset: Annotated[Preset, "How hard to try; 'paper' is the published recipe, hours long."] = "good"
    seed: Annotated[int, "What everything random hangs on."] = 0
    seeds: Annotated[int, "Average so many runs, from seed on, and map where they disagree."] = 1
    device: Annotated[str, "Where to compute: auto, cpu, cuda, cuda:1, mps."] = "auto"
    precision: Annotated[Precision, "Of the network: auto is bfloat16 on a GPU, float32 elsewhere."] = "auto"
    steps: Annotated[int | None, "Steps of the fit at most; 0 keeps the classical pilot."] = None
    seconds: Annotated[float | None, "Time budget: the best so far is kept when it is used up."] = None
    rule: Annotated[RuleName | None, "What decides which step is kept."] = None
    latent: Annotated[Latent | None, "Fit without a pilot, from this latent."] = None
    tile: Annotated[int | None, "Side of the tiles of a large picture; 0 never cuts."] = None
    network: Annotated[str | None, "The network: fast, skip, unet, resnet, …"] = None

    def __post_init__(self) -> None:
        """Refuse values that no task can use.

        Raises:
            OptionError: names the value and what was expected.
        """
        for name, value, choices in (
            ("preset", self.preset, get_args(Preset)),
            ("precision", self.precision, get_args(Precision)),
            ("rule", self.rule, (None, *get_args(RuleName))),
            ("latent", self.latent, (None, *get_args(Latent))),
        ):
            if value not in choices:
                names = ", ".join(str(choice) for choice in choices if choice)
                raise OptionError(f"{name} {value!r} is unknown: choose one of {names}")
        if not 0 <= self.seed < 2**63:
            raise OptionError(f"seed {self.seed} is out of range: give a whole number from 0 to 2⁶³ − 1")
        if self.seeds % 1 or not 1 <= self.seeds <= MOST:
            raise OptionError(f"seeds {self.seeds} cannot be used: give a whole number from 1 to {MOST}")
        if self.seed + self.seeds > 2**63:
            raise OptionError(f"seed {self.seed} is too large for {self.seeds} seeds: give a smaller one")
        if self.steps is not None and self.steps < 0:
            raise OptionError(f"steps {self.steps} is negative: give 0 or more")
        if self.tile is not None and (self.tile < 0 or 0 < self.tile < 64):
            raise OptionError(f"tile {self.tile} is too small: give 64 or more, or 0 for the whole picture")
        if self.seconds is not None and not self.seconds > 0:
            raise OptionError(f"seconds {self.seconds:g} is no time: give a number above 0")


@dataclass(frozen=True)
class Place:
    """Where a part of a picture lies, in pixels of the damaged picture."""

    top: int
    left: int
    size: tuple[int, int]  #: (H, W) of the whole


@dataclass(frozen=True)
class Within(Settings):
    """What a task is told of a part of a larger picture: what it needs besides to agree with the others."""

    place: Place = Place(0, 0, (1, 1))
    guess: "NDArray[np.float32] | None" = field(default=None, compare=False)
    #: (C, h, w): a fill of the whole made small, where this part lies
    grain: int = 1  #: by which it was made small
