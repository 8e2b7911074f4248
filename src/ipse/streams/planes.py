"""x*_k = x*(y_k): restore a stack plane by plane into a draft; each plane is a separate restoration.

    joint    x*_{s…s+N} = x*(y_s, …, y_{s+N})        slabs of planes along one axis, laid so that they do not move

Noise is found plane by plane: where it is the same in all, that loses next to nothing; where it is not, as in a stack
that fades, one level for all loses decibels (measured: docs/decisions/stacks.md).
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ipse.pictures.levels import Samples
from ipse.pictures.stacks.drift import Canvas, families
from ipse.pictures.stacks.slabs import NETWORK, Slab, slabs_of
from ipse.pictures.tiling import enlargement, side_for
from ipse.settings import Settings
from ipse.streams.adapt import Weights, volume, warm, weights_of
from ipse.streams.cut import Cut, Join
from ipse.streams.open import open_stream
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration
from ipse.streams.stream import Result, Stream
from ipse.streams.sums import enlarged
from ipse.streams.tiles import tiled

if TYPE_CHECKING:
    from ipse.pictures.large import Draft
    from ipse.pictures.stacks.stack import Stack

COLD = (
    10  # maximum length of a chain of warm starts; longer ones lose quality (docs/decisions/warm-starts.md)
)
Family = tuple[list[int], Canvas]  # planes of a slab that show the same scene, and their alignment


class Planes(Cut):
    """The planes of a stack, or slabs of them along one axis.

    Args:
        stack: the damaged planes.
        draft: receives the results, one below the other.
        task: name of a task.
        settings: settings for each plane.
        options: the task's own options; masks are not possible.
        joint: the axis ("T", "C" or "Z") along which planes are restored together.
        chain: whether a network starts from the weights of the previous plane, if planes are not tiled.
    """

    def __init__(
        self,
        stack: "Stack",
        draft: "Draft",
        task: str,
        settings: Settings,
        options: Mapping[str, Any],
        *,
        joint: str | None = None,
        chain: bool = False,
    ) -> None:
        self.deep = settings.network == NETWORK
        known = (
            replace(settings, network=None) if self.deep else settings
        )  # tasks do not support networks over depth
        super().__init__(stack.picture(stack.plane(0)), known)
        self.stack, self.draft, self.task, self.options = stack, draft, task, options
        self.joint, self.chain, self.factor = joint, chain, enlargement(options)
        self.slabs = slabs_of(stack, joint)
        self.weights: Weights | None = None
        self.noun = "plane" if joint is None else "slab"

    @property
    def count(self) -> int:
        """The number of slabs."""
        return len(self.slabs)

    def open(self, index: int, seconds: float | None) -> Stream:
        """Open the restoration of one slab; planes that show the same scene are restored together."""
        slab, settings = self.slabs[index], replace(self.settings, seconds=seconds)
        planes = [self.stack.plane(one) for one in slab.planes]
        kept = {slab.planes.index(one) for one in slab.kept}
        found = [(family, canvas) for family, canvas in self.still(planes) if kept & set(family)]
        return Parts(Families(self, settings, index, planes, found), Rows(self, slab, found))

    def still(self, planes: list[Samples]) -> list[Family]:
        """Planes that are restored together, aligned; channels are not aligned, since their contents differ."""
        if self.joint in (None, "C"):
            return [(list(range(len(planes))), Canvas.of(planes[0], len(planes)))]
        return families(planes)

    def take(self, index: int, stream: Stream) -> None:  # noqa: ARG002 - each is the next one's start
        """Store the weights fitted to a plane for the next one."""
        if self.chain:
            self.weights = weights_of(stream.search) or self.weights

    def put(self, index: int, samples: Samples) -> None:
        """Write a plane to the draft."""
        self.draft.write(index * self.stack.size[0] * self.factor, samples)

    def state_dict(self) -> dict[str, Any]:
        """The last plane's weights."""
        return {"weights": None if self.weights is None else dict(self.weights)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the last plane's weights."""
        self.weights = state["weights"]


class Families(Cut):
    """The families of a slab: groups of planes that show the same scene.

    Args:
        planes: the cut that contains the slab.
        settings: the settings of the slab.
        index: number of the slab.
        samples: its planes (H, W, S).
        found: its families.
    """

    noun = "family"

    def __init__(
        self, planes: Planes, settings: Settings, index: int, samples: list[Samples], found: list[Family]
    ) -> None:
        super().__init__(planes.picture, settings)
        self.planes, self.index, self.samples, self.found = planes, index, samples, found

    @property
    def count(self) -> int:
        """The number of families."""
        return len(self.found)

    def open(self, index: int, seconds: float | None) -> Stream:
        """Open a family's restoration, with a warm start if requested and the planes are not tiled."""
        cut, (family, canvas) = self.planes, self.found[index]
        task, options, settings = cut.task, cut.options, replace(self.settings, seconds=seconds)
        picture = cut.stack.picture(canvas.spread([self.samples[at] for at in family]))
        side = side_for(picture.size, told=settings.tile, factor=cut.factor, planes=len(family))
        if len(family) > 1:
            joint = partial(volume, planes=len(family), deep=cut.deep)
            if side:
                return tiled(picture, task, settings, options, side=side, open_tile=joint)
            return joint(picture, task, settings, options)
        if cut.chain and not side:
            weights = None if self.index % COLD == 0 else cut.weights
            return Restoration(picture, task, settings, options, adapt=partial(warm, weights=weights))
        return open_stream(picture, task, settings, options)


class Rows(Join):
    """Writes the planes of families to their rows of the draft.

    Args:
        planes: the cut that contains the slab.
        slab: its planes, and which of them are kept.
        found: its families.
    """

    def __init__(self, planes: Planes, slab: Slab, found: list[Family]) -> None:
        self.planes, self.slab, self.found = planes, slab, found

    def add(self, index: int, stream: Stream) -> Result:
        """Write the planes that are kept to the draft."""
        (family, canvas), result = self.found[index], stream.result()
        for place, at in enumerate(family):
            if self.slab.planes[at] in self.slab.kept:
                self.planes.put(self.slab.planes[at], self.part(result, canvas, place))
        return result

    def part(self, result: Result, canvas: Canvas, at: int) -> Samples:
        """The samples (H, W, S) of one plane of several."""
        samples, each = result.picture.samples.reshape(*result.picture.size, -1), self.planes.stack.samples
        return canvas.part(samples, at, factor=self.planes.factor)[..., at * each : (at + 1) * each]

    def result(self, done: int, *, ended: bool) -> Result:  # noqa: ARG002 - the planes are in the draft
        """How it went."""
        return Result(self.planes.picture, "all its planes done")

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the planes that are done are on the disk when this returns."""
        self.planes.draft.sync()
        return {}


class Stacked(Join):
    """A stack in the draft, in which unfinished planes are copied unchanged.

    Args:
        planes: the cut.
    """

    def __init__(self, planes: Planes) -> None:
        self.planes = planes

    def add(self, index: int, stream: Stream) -> Result:  # noqa: ARG002 - slabs are alike
        """The result of a slab, whose planes ``Rows`` has written."""
        return stream.result()

    def result(self, done: int, *, ended: bool) -> Result:  # noqa: ARG002 - planes are counted
        """The result, whose planes are in the draft."""
        planes = self.planes
        total, reached = planes.stack.count, sum(len(slab.kept) for slab in planes.slabs[:done])
        if reached == total:
            return Result(planes.picture, f"all {total} planes done")
        for index in (index for slab in planes.slabs[done:] for index in slab.kept):
            plane = np.moveaxis(planes.stack.plane(index), 2, 0)
            planes.put(index, np.moveaxis(enlarged(plane, planes.factor), 0, 2))
        reason = f"cancelled after {reached} of {total} planes; the rest is unchanged"
        return Result(planes.picture, reason)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the planes that are done are on the disk when this returns."""
        self.planes.draft.sync()
        return {}
