"""JPEG clean-up: a likely picture among those that the file can have been made from.

    x ∈ cells = {x : |DCT(x) − c q| ≤ q/2}

Every coefficient in the file says in which interval the original's lay. By default non-local similarity is followed in
turn with the cells (measured to be ahead of the network alone, docs/decisions/dejpeg.md); with a latent the network is
fitted, argmin_θ dist(f_θ(z), cells)². Either way the result lies within the cells. ``best`` learns what the estimate
gets wrong from the estimate itself, made a file of again (docs/decisions/best.md).
"""

from collections.abc import Generator, Iterator
from copy import deepcopy
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Annotated

import numpy as np

from ipse.errors import OptionError
from ipse.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.engine.operators.jpeg import JpegCells
    from ipse.engine.problem import Nothing, Problem
    from ipse.pictures import Picture
    from ipse.pilots.non_local import Preset
    from ipse.tasks._off_grid import Place

TWICE: "tuple[Preset, ...]" = ("twice", "twice small", "twice large")
SIZES: "dict[str, tuple[Preset, ...]]" = {  # of patches, in turn: they err differently
    "fast": ("fast once", "fast small"),
    "good": TWICE,
    "best": TWICE,
}
ROUNDS = {"fast": 6, "good": 10, "best": 10}
MOMENTUM = {"fast": 0.6, "good": 0.4, "best": 0.4}
STEPS = {"fast": 150, "good": 500, "best": 2000}
MARGIN, FINAL = 0.3, 0.4  # of a step: the middle of a cell is likelier than its border
FIRST, LAST = 3 / 255, 1 / (3 * 255)  # times the root of luma's mean step, over its lowest 4 × 4 frequencies
VIEWS = 6  # of the rounds, that ``best`` learns from
SHAKEN = 0.1  # of a step each cell is moved, up or down, in each of several runs
FINE = 97  # quality from which there is nothing to see


def dejpeg(
    picture: "Picture",
    settings: Settings = Settings(),
    *,
    quality: Annotated[int | None, "Its IJG quality, 1 to 100, if it is no JPEG file any more."] = None,
) -> "Problem | Nothing":
    """Take blocks, ringing and lost detail of JPEG out of a picture.

    The tables are the file's own; of a picture that is no file any more they are estimated, or told by ``quality``.

    Raises:
        OptionError: a quality out of range.
        PictureError: the picture was cropped from a JPEG off its grid of blocks.
    """
    from ipse.engine.problem import Nothing
    from ipse.tasks import _common
    from ipse.tasks._off_grid import framed

    if quality is not None and not 1 <= quality <= 100:
        raise OptionError(f"quality {quality} is out of range: give 1 to 100")
    y = _common.tensor(picture, settings)
    found = cells_of(y, picture, quality)
    if found is None and quality is not None:
        kind = f"{picture.channels} channels"
        return Nothing(
            f"nothing to restore: a picture of {kind} has been no JPEG; give a gray, RGB or CMYK one"
        )
    if found is None:
        return Nothing("nothing to restore: no trace of JPEG was found (give --quality if you know better)")
    cells, seen, place = found
    estimates: dict[str, object] = {"quality": seen}
    if seen >= FINE and quality is None:
        return Nothing(f"nothing to restore: JPEG quality {seen} leaves nothing to see", estimates)
    if settings.preset == "paper":
        return _published(y, settings, estimates)
    return framed(_problem(y[..., *place], cells, settings, estimates), y, cells, place)


def _published(y: "Tensor", settings: Settings, estimates: dict[str, object]) -> "Problem":
    """The reference's own fit, to the decoded picture."""
    from ipse.engine.objectives import LeastSquares
    from ipse.engine.problem import Problem
    from ipse.engine.stopping import Last
    from ipse.tasks import _common, _paper

    paper = _paper.dejpeg()
    rule = _common.rule(settings, Last)
    return Problem(
        paper.prior(y, settings), LeastSquares(y), paper.recipe(settings), rule, estimates=estimates
    )


def _problem(y: "Tensor", cells: "JpegCells", settings: Settings, estimates: dict[str, object]) -> "Problem":
    """Plug-and-play with the cells; or, with a latent or network of the user's, the fit to them."""
    from ipse.engine.objectives import Distance
    from ipse.engine.problem import Problem, Recipe
    from ipse.engine.stopping import ExponentialVariance
    from ipse.tasks import _common

    free = settings.latent is not None or settings.network is not None
    return Problem(
        prior=_common.free_prior(y, settings) if free else None,
        objective=Distance(cells.distance),
        recipe=_common.recipe(settings, Recipe(steps=STEPS[settings.preset])) if free else _common.alone(),
        rule=_common.rule(settings, ExponentialVariance),
        pilot=None if free else lambda: estimates_of(cells, settings),
        learns=settings.preset == "best" and not free,
        perturbed=None if free else lambda seed: estimates_of(_shaken(cells, y, seed), settings),
        outputs=lambda x: cells.project_in_range(x, margin=FINAL),
        estimates=estimates,
    )


def cells_of(y: "Tensor", picture: "Picture", quality: int | None) -> "tuple[JpegCells, int, Place] | None":
    """The cells that the picture came out of, the quality (of the file, told, or estimated), and what they cover."""
    from ipse.engine.operators.jpeg import JpegCells
    from ipse.engine.operators.jpeg_clipped import cells_of_decoded
    from ipse.engine.operators.jpeg_estimate import estimate_jpeg
    from ipse.pictures import standard_table
    from ipse.tasks._off_grid import whole_blocks

    channels, offset, info = y.shape[1], (0, 0), picture.jpeg
    if quality is None and info is not None:
        parts = info.components
        cells = JpegCells(
            info.coefficients,
            [part.table for part in parts],
            [(part.h, part.v) for part in parts],
            size=info.size,
            ycc=info.colours in ("ycc", "ycck"),
        )
        return cells.to(y.device), info.quality, whole_blocks(info.size, offset)
    if quality is None:
        if channels not in (1, 3):
            return None
        trace = estimate_jpeg(y[0].cpu())
        if trace is None:
            return None
        quality, offset = trace.quality, trace.offset
    elif channels not in (1, 3) and picture.model != "cmyk":
        return None
    place = whole_blocks((y.shape[-2], y.shape[-1]), offset)
    colour = channels == 3  # Y, Cb, Cr; the inks of four planes are quantised alike
    tables = [standard_table(quality, chrominance=colour and channel > 0) for channel in range(channels)]
    cells = cells_of_decoded(y[..., *place], tables, [(1, 1)] * channels, ycc=colour)
    return cells.to(y.device), quality, place


def estimates_of(cells: "JpegCells", settings: Settings) -> Iterator["Tensor"]:
    """The file as it is, then plug-and-play; ``best`` learns what it gets wrong.

    The data step is proximal: it weighs the estimate, of error σ, against the cell's centre, of error q/√12.
    """
    import torch

    from ipse.pilots.bootstrap import bootstrap, spread

    def views(cells: "JpegCells") -> "Generator[Tensor, None, Tensor]":
        found: list[Tensor] = []
        for x in _rounds(cells, settings):
            yield x
            found = [*found, x] if settings.preset == "best" else [x]
        return torch.cat(spread(found, VIEWS))

    found = yield from views(cells)
    if settings.preset == "best":
        yield from bootstrap(
            found,
            again=lambda x, _: views(cells.of_another(x)),
            grid=max(cells.unit),
            seed=settings.seed,
        )


def _rounds(cells: "JpegCells", settings: Settings) -> Iterator["Tensor"]:
    """The non-local ridge in turn with the cells."""
    from ipse.pilots.non_local import non_local
    from ipse.pilots.plug_and_play import plug_and_play

    start = cells.decode()
    yield start
    coarse = float(cells.get_buffer("step0")[:4, :4].mean()) ** 0.5
    yield from plug_and_play(
        start,
        data_step=lambda x, sigma: cells.project(x, margin=MARGIN, sigma=sigma),
        denoisers=cycle(partial(non_local, preset=size) for size in SIZES[settings.preset]),
        sigmas=np.geomspace(FIRST * coarse, LAST * coarse, ROUNDS[settings.preset]).tolist(),
        momentum=MOMENTUM[settings.preset],
    )


def _shaken(cells: "JpegCells", like: "Tensor", seed: int) -> "JpegCells":
    """The same cells, each moved by a draw of the seed from ±``SHAKEN`` of its step."""
    import torch

    moved, generator = deepcopy(cells), torch.Generator(like.device).manual_seed(seed)
    for part in moved.components:
        integers = moved.get_buffer(f"integers{part.channel}")
        draw = torch.rand(integers.shape, generator=generator, device=integers.device)
        integers.add_(SHAKEN * (2 * draw - 1))
    return moved
