"""D: the estimates of a picture by self-similarity, after its noise has been made white."""

from collections.abc import Generator, Iterator

import torch
from torch import Generator as Draws
from torch import Tensor

from ipse.pilots._steps import cost, millions
from ipse.pilots.bootstrap import bootstrap, whole_cost
from ipse.pilots.non_local import non_local_steps
from ipse.pilots.non_local_means import COST as MEANS
from ipse.pilots.non_local_means import non_local_means
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks._whiten import Whitened

# With several seeds, each run adds noise of this fraction of the level. Where they disagree, the result is uncertain.
MORE = 0.4


def work_of(y: Tensor, settings: Settings) -> float:
    """The work of all estimates of y."""
    views = cost(_common.effort(settings), y)
    first = 0.0 if settings.preset == "fast" else MEANS * millions(y)
    return first + (whole_cost(views, y) if settings.preset == "best" else views)


def estimates_of(y: Tensor, white: Whitened, settings: Settings) -> Iterator[Tensor]:
    """Yield non-local means (except for ``fast``), then each non-local step; ``best`` then corrects the last one."""
    level = white.sigma if white.levels is None else white.levels

    def views(y: Tensor) -> Generator[Tensor, None, Tensor]:
        found = [y]
        for x, ended in non_local_steps(y, level, preset=_common.effort(settings), clipped=white.clipped):
            yield x
            found += [x] if ended else []
        return torch.cat(found)

    def again(x: Tensor, generator: Draws) -> Generator[Tensor, None, Tensor]:
        noisy = x + level * torch.randn(x.shape, generator=generator).to(x)
        return views(noisy.clamp(0, 1) if white.clipped else noisy)

    if settings.preset != "fast":
        yield non_local_means(y, white.sigma)
    found = yield from views(y)
    if settings.preset == "best":
        yield from bootstrap(found, again=again, seed=settings.seed)
