"""x*_k = x*(y_k): a stack restored plane by plane, each plane a restoration of its own, into a draft.

    joint    x*_{s…s+N} = x*(y_s, …, y_{s+N})        slabs of planes along one axis, laid so that they do not move

Noise is found plane by plane: where it is the same in all, that loses next to nothing; where it is not, as in a stack
that fades, one level for all loses decibels (measured: docs/decisions/stacks.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse.pictures import Picture
from ipse.pictures.levels import Samples
from ipse.pictures.stacks.drift import Canvas, families
from ipse.pictures.stacks.slabs import NETWORK, Slab, slabs_of
from ipse.pictures.tiling import side_for
from ipse.settings import Settings
from ipse.streams.adapt import Volume
from ipse.streams.parts import Parts
from ipse.streams.restoration import Restoration, Result
from ipse.streams.tiles import Tiled, enlarged, restoration
from ipse.streams.warm import Warm, Weights

if TYPE_CHECKING:
    from ipse.engine.stopping import State
    from ipse.pictures.large import Draft
    from ipse.pictures.stacks.stack import Stack
    from ipse.streams.restoration import Estimate


FRESH = 10  # planes after which a warm chain begins anew: longer ones lose (docs/decisions/warm-starts.md)


class Stacked(Parts):
    """The stream of one plane after the other.

    Args:
        stack: the damaged planes.
        draft: where they go, one below the other.
        task: the name of a task.
        settings: as for a plane; ``seconds`` is shared out among them.
        options: the task's own; nothing that lies over a plane.
        joint: the axis ("T", "C" or "Z") along which planes are restored together.
        warm: whether a network starts from the weights of the plane before, where planes are restored whole.
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
        warm: bool = False,
    ) -> None:
        self.deep = settings.network == NETWORK
        told = replace(settings, network=None) if self.deep else settings  # which no task knows
        super().__init__(stack.picture(stack.plane(0)), task, told, options)
        self.stack, self.draft, self.joint, self.warm = stack, draft, joint, warm
        self.slabs = slabs_of(stack, joint)
        self.weights: Weights | None = None

    @property
    def count(self) -> int:
        """How many slabs there are."""
        return len(self.slabs)

    def __iter__(self) -> Iterator["Estimate | State"]:
        """Every slab's pilots and steps, in turn."""
        for slab in self.slabs[self.index :]:
            yield from self.restored(slab)
        self.inner = None

    def restored(self, slab: Slab) -> Iterator["Estimate | State"]:
        """Restore the planes of one slab, those that show the same together, and put what is kept into the draft."""
        planes = [self.stack.plane(one) for one in slab.planes]
        kept = {slab.planes.index(one) for one in slab.kept}
        found = [(family, canvas) for family, canvas in self.laid(planes) if kept & set(family)]
        share, results = self.share(), list[Result]()
        if share.seconds is not None:
            share = replace(share, seconds=share.seconds / len(found))
        for family, canvas in found:
            picture = self.stack.picture(canvas.spread([planes[at] for at in family]))
            inner = self.opened(picture, share, len(family))
            yield from self.pull(inner)
            self.weights = inner.weights() if isinstance(inner, Warm) else None
            results.append(inner.result())
            for at in kept & set(family):
                self.put(slab.planes[at], self.part(results[-1], canvas, family.index(at)))
        steps, seconds = sum(one.steps for one in results), sum(one.seconds for one in results)
        self.done(replace(results[0], steps=steps, seconds=seconds))

    def laid(self, planes: list[Samples]) -> list[tuple[list[int], Canvas]]:
        """Planes that are restored together, laid still; channels show other things at one place, and stay."""
        if self.joint in (None, "C"):
            return [(list(range(len(planes))), Canvas.of(planes[0], len(planes)))]
        return families(planes)

    def part(self, result: Result, canvas: Canvas, at: int) -> Samples:
        """The samples (H, W, S) of one plane of several."""
        samples, each = result.picture.samples.reshape(*result.picture.size, -1), self.stack.samples
        return canvas.part(samples, at, factor=self.factor)[..., at * each : (at + 1) * each]

    def opened(self, picture: Picture, settings: Settings, planes: int) -> Restoration:
        """Open a slab's restoration, warm where that was asked for and it is not cut into tiles."""
        side = side_for(picture.size, told=settings.tile, factor=self.factor, planes=planes)
        if planes > 1:
            together = partial(Volume, planes=planes, deep=self.deep)
            kind = partial(Tiled, side=side, opened=together) if side else together
            return kind(picture, self.name, settings, self.options)
        if self.warm and not side:
            inner = Warm(picture, self.name, settings, self.options)
            inner.start = None if self.index % FRESH == 0 else self.weights
            return inner
        return restoration(picture, self.name, settings, self.options)

    def put(self, index: int, samples: Samples) -> None:
        """Write a plane to its place."""
        self.draft.write(index * self.stack.size[0] * self.factor, samples)

    def result(self) -> Result:
        """How it went; the planes are in the draft."""
        total, done = self.stack.count, sum(len(slab.kept) for slab in self.slabs[: self.index])
        reason = f"all {total} planes done"
        if done < total:
            reason = f"cancelled after {done} of {total} planes; the rest is as it came"
            for index in (index for slab in self.slabs[self.index :] for index in slab.kept):
                self.put(index, _repeated(self.stack.plane(index), self.factor))
        return self.told(self.picture, reason)

    def state_dict(self) -> dict[str, Any]:
        """The number of slabs that are done, which are on the disk when this returns, and the last one's weights."""
        self.draft.sync()
        weights = None if self.weights is None else dict(self.weights)
        return super().state_dict() | {"weights": weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the slab that was under way, from its beginning."""
        super().load_state_dict(state)
        self.weights = state["weights"]


def _repeated(samples: NDArray[Any], factor: int) -> NDArray[Any]:
    return np.moveaxis(enlarged(np.moveaxis(samples, 2, 0), factor), 0, 2)
