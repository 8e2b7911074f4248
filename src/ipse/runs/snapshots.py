"""x_0, x_t₁, …, x_T: points of a fit's trajectory, from which another result can be chosen without a new fit.

``strength`` s ∈ [0, 1] runs against the fit: 1 is the first point, the smoothest, 0 the last, the most
faithful to what was measured. Points lie at geometrically growing steps, since a fit moves ever more
slowly; the pilot, the chosen step and the last are always among them. Where nothing is fitted, the way leads
from the pilot back to the picture itself: x_k = x_0 + k/K (y - x_0). Samples are stored as uint16 of [0, 1]:
exact for 8- and 16-bit pictures.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ipse.errors import InputError, OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.engine.stopping import State
    from ipse.streams.restoration import Restoration
    from ipse.streams.stream import Estimate

KIND = "ipse snapshots"
SCHEMA = 1
SUFFIX = ".ipse.safetensors"
COUNT = 12
MIXED = 8  # K if nothing is fitted
FIRST = 50  # the first point is at the number of steps divided by this, since there is little to see before
FULL = 65535

Points = dict[int, NDArray[np.uint16]]


@dataclass(frozen=True)
class Trajectory:
    """Points of a fit, (C, H, W) each, by their step; 0 is the first estimate."""

    points: Points
    chosen: int  #: the step chosen by the stopping rule
    keep: NDArray[np.bool_] | None  #: (H, W), pixels that keep the input's samples
    origin: Mapping[str, Any]  #: task, input's path and SHA-256, output's path
    mixed: bool = False  #: without a fit, "steps" lead from the first estimate back to the picture

    def step_at(self, strength: float | None) -> int:
        """Return the step for a strength; the chosen one for None.

        Raises:
            OptionError: the strength is not within [0, 1].
        """
        if strength is None:
            return self.chosen
        check_strength(strength)
        steps = sorted(self.points)
        return steps[round((1 - strength) * (len(steps) - 1))]

    def strength_of(self, step: int) -> float:
        """Return the strength for which ``step_at`` returns a saved step."""
        steps = sorted(self.points)
        return 1 - steps.index(step) / (len(steps) - 1) if len(steps) > 1 else 1.0

    def said(self, step: int) -> str:
        """Describe a point in words."""
        if self.mixed:
            return f"{1 - step / MIXED:.0%} of the change"
        return f"step {step} of {', '.join(map(str, sorted(self.points)))}"

    def pixels(self, step: int) -> NDArray[np.float32]:
        """Return one point as float32 (C, H, W) in [0, 1]."""
        return (self.points[step].astype(np.float64) / FULL).astype(np.float32)

    def to_bytes(self) -> bytes:
        """Return the trajectory as one safetensors file."""
        from safetensors.numpy import save  # pyright: ignore[reportUnknownVariableType]

        # A single entry, because safetensors writes several in arbitrary order, and files must be reproducible.
        told = {"chosen": self.chosen, "origin": dict(self.origin), "mixed": self.mixed}
        about = {"kind": KIND, "schema": SCHEMA, **told}
        tensors: dict[str, NDArray[Any]] = {f"step {step}": point for step, point in self.points.items()}
        if self.keep is not None:
            tensors["keep"] = self.keep
        return save(tensors, metadata={"ipse": json.dumps(about)})

    @classmethod
    def read(cls, path: Path) -> "Trajectory":
        """Read a trajectory from a file.

        Raises:
            InputError: there is no such file, or it holds something else.
        """
        said, tensors = _opened(path)
        try:
            about = cast(dict[str, Any], json.loads(said))
            if about["kind"] != KIND or about["schema"] != SCHEMA:
                raise ValueError
            keep = tensors.pop("keep", None)
            points = {int(name.removeprefix("step ")): tensor for name, tensor in tensors.items()}
            return cls(points, int(about["chosen"]), keep, about["origin"], about.get("mixed", False))
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"{path} does not contain ipse snapshots: give the {SUFFIX} file written by --snapshots"
            ) from error


def _opened(path: Path) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the metadata of a safetensors file, and its tensors."""
    from safetensors import SafetensorError, safe_open  # pyright: ignore[reportUnknownVariableType]

    try:
        opened: Any = safe_open(path, framework="numpy")
        with opened as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - a safetensors file is no mapping
            said: dict[str, str] = file.metadata() or {}
            return said.get("ipse", ""), tensors
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{path} cannot be read as snapshots ({error}): give the file written by --snapshots"
        ) from error


class Snapshots:
    """Collects the trajectory of a restoration; call it with each event."""

    def __init__(self, restoration: "Restoration", *, count: int = COUNT) -> None:
        self.restoration = restoration
        self.count = count
        self.points: Points = {}
        self.last: tuple[int, Tensor] | None = None

    def __call__(self, event: "Estimate | State") -> None:
        """Store the event's picture, if it is one of the points."""
        from ipse.streams.stream import Estimate

        if isinstance(event, Estimate):
            if event.refined:  # the last refinement replaces the chosen step
                return
            self.points[0] = self.quantised(event.picture)
            return
        self.last = (
            event.step,
            event.average,
        )  # overwritten in place by later steps, so that it stays the last one
        if event.step in self.turns():
            self.points[event.step] = self.quantised(event.average)

    def turns(self) -> frozenset[int]:
        """The steps to keep."""
        from ipse.engine.problem import Problem

        problem = self.restoration.problem
        return schedule(problem.recipe.steps if isinstance(problem, Problem) else 0, self.count)

    def quantised(self, x: "Tensor") -> NDArray[np.uint16]:
        """Return a fitted picture (1, C, H, W) as it would be written, rounded to its levels, in 16 bits."""
        from ipse.engine.problem import Problem

        problem = self.restoration.problem
        assert isinstance(problem, Problem)  # there is no event without one
        return self.written(problem.outputs(x)[0].float().cpu().numpy(), keep=problem.keep)

    def written(
        self, pixels: NDArray[np.float32], *, keep: NDArray[np.bool_] | None = None
    ) -> NDArray[np.uint16]:
        """Return pixels (C, H, W) as they would be written."""
        like = self.restoration.picture.like(np.ascontiguousarray(pixels), keep=keep).pixels
        return np.rint(np.clip(like.astype(np.float64), 0, 1) * FULL).astype(np.uint16)

    def trajectory(self, chosen: int, origin: Mapping[str, Any]) -> Trajectory:
        """Return the trajectory, once the stream has ended or was cancelled.

        Args:
            chosen: the step that was kept; 0 is the pilot.
            origin: where it all comes from.
        """
        from ipse.engine.problem import Problem

        problem, search = self.restoration.problem, self.restoration.search
        if self.last is not None:
            step, average = self.last
            self.points[step] = self.quantised(average)
        if search is not None and search.best is not None and search.step == chosen:
            refined = self.restoration.refined  # the picture that was written, if it was refined
            self.points[chosen] = self.quantised(search.best if refined is None else refined)
        keep = problem.keep if isinstance(problem, Problem) else None
        mixed = isinstance(problem, Problem) and problem.recipe.steps == 0 and self.mix(keep)
        return Trajectory(dict(sorted(self.points.items())), chosen, keep, origin, mixed)

    def mix(self, keep: NDArray[np.bool_] | None) -> bool:
        """Mix the first estimate with the picture, if sizes agree and all pixels were measured; return whether."""
        y, x = self.restoration.picture.pixels, self.points[0].astype(np.float32) / np.float32(FULL)
        if keep is not None or x.shape != y.shape:
            return False
        for k in range(1, MIXED + 1):
            self.points[k] = self.written((x + k / MIXED * (y - x)).astype(np.float32))
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return the points so far, as tensors, for a checkpoint."""
        import torch

        return {"points": {step: torch.as_tensor(point) for step, point in self.points.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore ``state_dict()``."""
        self.points = {step: point.numpy() for step, point in state["points"].items()}


def schedule(steps: int, count: int) -> frozenset[int]:
    """Return about ``count`` steps up to ``steps``, in geometric progression."""
    if steps < 1:
        return frozenset()
    return frozenset(int(step) for step in np.rint(np.geomspace(max(1, steps / FIRST), steps, count)))


def check_strength(strength: float) -> None:
    """Check that a strength is within [0, 1].

    Raises:
        OptionError: it is not.
    """
    if not 0 <= strength <= 1:
        raise OptionError(f"strength {strength:g} is out of range: give 0 (faithful) to 1 (smooth)")
