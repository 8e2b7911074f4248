"""JPEG artefact removal: find the most plausible picture among those that compress to the given file.

    x ∈ cells = {x : |DCT(x) − c q| ≤ q/2}

Every quantised coefficient gives the interval of the original one; together they form the cells. By default,
plug-and-play alternates non-local denoising with a projection onto the cells, which was measured to be better than the
network alone (docs/decisions/dejpeg.md). With ``latent`` or ``network``, the network is fitted instead,
argmin_θ dist(f_θ(z), cells)². Either way the result lies within the cells. ``best`` also learns to correct the
estimate's errors by compressing the estimate again (docs/decisions/best.md).
"""

from collections.abc import Generator, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from ipse.engine.objectives import Distance, LeastSquares
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.problem import Nothing, Pilot, Problem, Recipe
from ipse.engine.stopping import ExponentialVariance, Last
from ipse.errors import OptionError
from ipse.pictures import Picture
from ipse.pilots._steps import in_turn
from ipse.pilots.bootstrap import bootstrap, spread, whole_cost
from ipse.pilots.non_local import Preset, non_local
from ipse.pilots.plug_and_play import plug_and_play
from ipse.settings import Settings
from ipse.tasks import _common, _paper
from ipse.tasks._compression import compression
from ipse.tasks._off_grid import framed

TWICE: tuple[Preset, ...] = ("twice", "twice small", "twice large")


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset, chosen in docs/decisions/dejpeg.md."""

    sizes: tuple[Preset, ...]  #: patch sizes, used in turn because their errors differ
    rounds: int  #: number of rounds of denoising and projection
    momentum: float  #: from round to round, in [0, 1)
    steps: int  #: number of steps, if a network is fitted
    first: float = (
        3 / 255
    )  #: σ of the first round, times √(luma's mean step over the lowest 4 × 4 frequencies)
    last: float = 1 / (3 * 255)  #: σ of the last round, likewise
    margin: float = 0.3  #: distance kept from a cell's border, in steps: the middle of a cell is more likely
    final: float = 0.4  #: the same, for the result
    views: int = 6  #: number of rounds whose estimates ``best`` learns from
    shift: float = 0.1  #: with several seeds, each run shifts the cells by up to this fraction of a step


NUMBERS: dict[str, Numbers] = {
    "fast": Numbers(("fast once", "fast small"), rounds=6, momentum=0.6, steps=150),
    "good": Numbers(TWICE, rounds=10, momentum=0.4, steps=500),
    "best": Numbers(TWICE, rounds=10, momentum=0.4, steps=2000),
}
FINE = 97  # JPEG quality from which no damage is visible


def dejpeg(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    quality: Annotated[int | None, "Original IJG quality, 1 to 100, if it is no longer a JPEG file."] = None,
) -> Problem | Nothing:
    """Remove JPEG artefacts (blocks and ringing) and recover detail.

    The quantisation tables are those of the file. For any other picture they are estimated, or given by ``quality``.

    Raises:
        OptionError: ``quality`` is out of range.
        PictureError: the picture is a JPEG that was cropped off its block grid.
    """
    if quality is not None and not 1 <= quality <= 100:
        raise OptionError(f"quality {quality} is out of range: give 1 to 100")
    y = _common.tensor(picture, settings)
    found = compression(y, picture, quality)
    if found is None and quality is not None:
        kind = f"{picture.channels} channels"
        return Nothing(f"nothing to restore: a JPEG cannot have {kind}; give a gray, RGB or CMYK picture")
    if found is None:
        return Nothing(
            "nothing to restore: no trace of JPEG was found (if it was a JPEG, give its --quality)"
        )
    seen, estimates = found.quality, found.estimates
    if seen >= FINE and quality is None:
        return Nothing(f"nothing to restore: at JPEG quality {seen} no damage is visible", estimates)
    if settings.preset == "paper":
        return _published(y, settings, estimates)
    posed = _problem(y[..., *found.place], found.cells, settings, estimates)
    return framed(posed, y, found.cells, found.place)


def _published(y: Tensor, settings: Settings, estimates: dict[str, object]) -> Problem:
    """The reference's fit to the decoded picture."""
    paper = _paper.dejpeg()
    rule = _common.rule(settings, Last)
    return Problem(
        paper.prior(y, settings), LeastSquares(y), paper.recipe(settings), rule, estimates=estimates
    )


def _problem(y: Tensor, cells: JpegCells, settings: Settings, estimates: dict[str, object]) -> Problem:
    """Plug-and-play with the cells; if the user chose a latent or a network, a fit to the cells instead."""
    free = settings.latent is not None or settings.network is not None
    numbers = NUMBERS[settings.preset]
    pilot = Pilot(
        lambda: estimates_of(cells, settings),
        perturbed=lambda seed: estimates_of(shifted(cells, y, seed, numbers.shift), settings),
        learns=settings.preset == "best",
        work=work_of(y, settings),
    )
    return Problem(
        prior=_common.free_prior(y, settings) if free else None,
        objective=Distance(cells.distance),
        recipe=_common.recipe(settings, Recipe(steps=numbers.steps)) if free else _common.alone(),
        rule=_common.rule(settings, ExponentialVariance),
        pilot=None if free else pilot,
        outputs=lambda x: cells.project_in_range(x, margin=numbers.final),
        estimates=estimates,
    )


def work_of(y: Tensor, settings: Settings) -> float:
    """The work of all estimates of y."""
    numbers = NUMBERS[settings.preset]
    views = in_turn(numbers.sizes, numbers.rounds, y)
    return whole_cost(views, y) if settings.preset == "best" else views


def estimates_of(cells: JpegCells, settings: Settings) -> Iterator[Tensor]:
    """Yield the decoded file, then the plug-and-play estimates; ``best`` then corrects the last one.

    The data step is a proximal step: it weighs the estimate, with error σ, against the cell's centre, with error q/√12.
    """

    def views(cells: JpegCells) -> Generator[Tensor, None, Tensor]:
        found: list[Tensor] = []
        for x in _rounds(cells, settings):
            yield x
            found = [*found, x] if settings.preset == "best" else [x]
        return torch.cat(spread(found, NUMBERS[settings.preset].views))

    found = yield from views(cells)
    if settings.preset == "best":
        yield from bootstrap(
            found,
            again=lambda x, _: views(cells.of_another(x)),
            grid=max(cells.unit),
            seed=settings.seed,
        )


def _rounds(cells: JpegCells, settings: Settings) -> Iterator[Tensor]:
    """Alternate NL-Ridge with the projection onto the cells."""
    numbers, start = NUMBERS[settings.preset], cells.decode()
    yield start
    coarse = float(cells.get_buffer("step0")[:4, :4].mean()) ** 0.5
    yield from plug_and_play(
        start,
        data_step=lambda x, sigma: cells.project(x, margin=numbers.margin, sigma=sigma),
        denoisers=cycle(partial(non_local, preset=size) for size in numbers.sizes),
        sigmas=np.geomspace(numbers.first * coarse, numbers.last * coarse, numbers.rounds).tolist(),
        momentum=numbers.momentum,
    )


def shifted(cells: JpegCells, like: Tensor, seed: int, most: float) -> JpegCells:
    """The cells, each shifted at random by up to ±``most`` of its step."""
    moved, generator = deepcopy(cells), torch.Generator(like.device).manual_seed(seed)
    for part in moved.components:
        integers = moved.get_buffer(f"integers{part.channel}")
        draw = torch.rand(integers.shape, generator=generator, device=integers.device)
        integers.add_(most * (2 * draw - 1))
    return moved
