"""A task for tests of what surrounds tasks: small, quick, with every kind of option."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from numpy.typing import NDArray

from ipse.errors import OptionError
from ipse.settings import Settings

if TYPE_CHECKING:
    from ipse.engine.problem import Nothing, Problem
    from ipse.pictures import Picture


def smooth(
    picture: "Picture",
    settings: Settings = Settings(),
    *,
    weight: Annotated[float | None, "How smooth."] = None,
    kind: Annotated[Literal["one", "two"], "Which kind."] = "one",
    mask: Annotated[Path | str | NDArray[Any] | None, "A mask."] = None,
    wait: Annotated[float, "Seconds that a step takes at least."] = 0.0,
    quick: Annotated[int, "How many steps before those do not wait."] = 0,
    quiet_pilot: Annotated[bool, "Leave the pilot out."] = False,
) -> "Problem | Nothing":
    """Smooth a picture.

    Raises:
        OptionError: a negative weight.
    """
    import time

    import torch
    from torch import Tensor, nn

    from ipse.engine.objectives import LeastSquares
    from ipse.engine.prior import GuidedPrior, Prior, seeded
    from ipse.engine.problem import Nothing, Pilot, Problem, Recipe
    from ipse.engine.stopping import HeldOut
    from ipse.pictures import mask_for, read_mask

    if weight is not None and weight < 0:
        raise OptionError(f"weight {weight:g} is negative: give 0 or more")
    y = torch.from_numpy(picture.pixels)[None]
    if float(y.std()) == 0:
        return Nothing("nothing to restore: it is of one colour", {"weight": 0.0})
    keep = None
    if mask is not None:
        load = read_mask if isinstance(mask, str | Path) else mask_for
        keep = load(mask, picture).known

    class Slow(nn.Conv2d):
        count = 0

        def forward(self, x: Tensor) -> Tensor:
            self.count += 1
            time.sleep(wait if self.count > quick else 0.0)
            return super().forward(x)

    with seeded(settings.seed):
        network = nn.Sequential(
            nn.Conv2d(y.shape[1], 8, 3, padding=1), nn.ReLU(), Slow(8, y.shape[1], 3, padding=1)
        )

        latent = torch.randn_like(y)

    def pilots():
        yield torch.nn.functional.avg_pool2d(y, 3, 1, 1, count_include_pad=False)
        yield (y + torch.nn.functional.avg_pool2d(y, 3, 1, 1, count_include_pad=False)) / 2

    prior = (
        Prior(network, latent, size=picture.size, jitter=0.05, seed=settings.seed)
        if quiet_pilot
        else GuidedPrior(network, y, jitter=0.05, seed=settings.seed)
    )
    return Problem(
        prior=prior,
        objective=LeastSquares(y),
        recipe=Recipe(steps=20 if settings.steps is None else settings.steps, average=0.9, schedule="cosine"),
        rule=HeldOut(patience=1000, every=1),
        score=LeastSquares(y),
        pilot=None if quiet_pilot else Pilot(pilots),
        keep=keep,
        estimates={"weight": weight or 0.5, "kind": kind},
    )
