"""x*_k = x*(y_k): a stack restored plane by plane, each plane a restoration of its own, into a draft.

    joint    x*_k = [x*(y_{k−1}, y_k, y_{k+1})]_k        neighbours along one axis are taken for channels

Noise is found plane by plane: where it is the same in all, that loses next to nothing; where it is not, as in a stack
that fades, one level for all loses decibels (measured: docs/decisions/stacks.md).
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ipse.parts import Parts
from ipse.pictures import Picture
from ipse.pictures.levels import Samples
from ipse.restoration import Restoration, Result
from ipse.settings import Settings
from ipse.tiled import enlarged, restoration
from ipse.tiles import side_for
from ipse.warm import Warm, Weights

if TYPE_CHECKING:
    from ipse.restoration import Estimate
    from ipse.stopping import State
    from ipse.windows import Draft
    from ipse.windows.stack import Stack


FRESH = 10  # planes after which a warm chain begins anew: longer ones lose (docs/decisions/warm-starts.md)


class Stacked(Parts):
    """The stream of one plane after the other.

    Args:
        stack: the damaged planes.
        draft: where they go, one below the other.
        task: the name of a task.
        settings: as for a plane; ``seconds`` is shared out among them.
        options: the task's own; nothing that lies over a plane.
        joint: the axis ("T", "C" or "Z") along which neighbours are restored together.
        warm: whether a network starts from the weights of the plane before, where planes are restored whole.
    """

    def __init__(
        self,
        stack: "Stack",
        draft: "Draft",
        task: str,
        settings: "Settings | None" = None,
        options: Mapping[str, Any] | None = None,
        *,
        joint: str | None = None,
        warm: bool = False,
    ) -> None:
        super().__init__(stack.picture(stack.plane(0)), task, settings, options, count=stack.count)
        self.stack, self.draft, self.joint, self.warm = stack, draft, joint, warm
        self.weights: Weights | None = None

    def __iter__(self) -> Iterator["Estimate | State"]:
        """Every plane's pilots and steps, in turn."""
        for index in range(self.index, self.count):
            yield from self.restored(index)
        self.inner = None

    def restored(self, index: int) -> Iterator["Estimate | State"]:
        """Restore one plane, and put it into the draft."""
        around = self.stack.beside(index, self.joint)
        planes = np.concatenate([self.stack.plane(one) for one in around], 2)
        inner = self.opened(self.stack.picture(planes), self.share())
        yield from self.pull(inner)
        self.weights = inner.weights() if isinstance(inner, Warm) else None
        result = inner.result()
        samples = result.picture.samples.reshape(*result.picture.size, -1)
        first = around.index(index) * self.stack.samples
        self.put(index, samples[..., first : first + self.stack.samples])
        self.done(result)

    def opened(self, plane: Picture, settings: Settings) -> Restoration:
        """Open a plane's restoration, warm where that was asked for and it is not cut into tiles."""
        side = side_for(plane.size, told=settings.tile, factor=self.factor)
        if self.warm and not side:
            inner = Warm(plane, self.name, settings, self.options)
            inner.start = None if self.index % FRESH == 0 else self.weights
            return inner
        return restoration(plane, self.name, settings, self.options)

    def put(self, index: int, samples: Samples) -> None:
        """Write a plane to its place."""
        self.draft.write(index * self.stack.size[0] * self.factor, samples)

    def result(self) -> Result:
        """How it went; the planes are in the draft."""
        reason = f"all {self.count} planes done"
        if self.index < self.count:
            reason = f"cancelled after {self.index} of {self.count} planes; the rest is as it came"
            for index in range(self.index, self.count):
                self.put(index, _repeated(self.stack.plane(index), self.factor))
        return self.told(self.picture, reason)

    def state_dict(self) -> dict[str, Any]:
        """The number of planes that are done, which are on the disk when this returns, and the last one's weights."""
        self.draft.sync()
        weights = None if self.weights is None else dict(self.weights)
        return super().state_dict() | {"weights": weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the plane that was under way, from its beginning."""
        super().load_state_dict(state)
        self.weights = state["weights"]


def _repeated(samples: NDArray[Any], factor: int) -> NDArray[Any]:
    return np.moveaxis(enlarged(np.moveaxis(samples, 2, 0), factor), 0, 2)
