"""A noisy picture that was saved as a JPEG, y = Q(x + n), and a JPEG that may be one.

    y_k = E[x_k + n | cells],  x_{k+1} = D(y_k)

Noise below the steps can hardly be told from texture in the file's few non-zero integers. There, a mean is taken of two
estimates, of one that expects no noise (``dejpeg``) and of what is left of it when a camera's faint noise, correlated
by demosaicing, is expected in it. Where the integers look like faint noise all over, it is expected from the start.
"""

from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ipse.engine.objectives import Distance
from ipse.engine.operators.blurred import autocovariance
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.operators.jpeg_twice import error
from ipse.engine.problem import Pilot, Problem, clipped
from ipse.noise.under_jpeg import white_under_jpeg
from ipse.pilots._steps import cost, in_turn
from ipse.pilots.non_local import Preset, non_local
from ipse.pilots.stationary import stationary, stationary_cost
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks._compression import Compression
from ipse.tasks.dejpeg import NUMBERS, TWICE, estimates_of, shifted
from ipse.tasks.dejpeg import work_of as dejpeg_work

ROUNDS = {"fast": 2, "good": 6, "best": 10}
LAST: dict[str, Preset] = {"fast": "good", "good": "good", "best": "best"}  # the denoiser of the last round
LUMA = (0.299**2 + 0.587**2 + 0.114**2) ** 0.5  # σ of Y for independent noise of σ = 1 in R, G and B
COARSE = 3 / 255  # quantisation error of the first round, times the square root of luma's mean step
# The following were chosen on crops of kodim01, kodim03, kodim13, McMaster 14, BSD 101085 and 175032 with σ = 0, 5,
# 10 and 20 at quality 50, 75 and 85, and of 12 of PolyU's pictures; docs/decisions/enhance.md
FAINT = 1.5  # smallest σ before a JPEG, of 255, that is treated as noise
POSSIBLE = (
    5.0  # σ, of 255, that is expected where none was found: 1.5 and 3 were worse with noise and without
)
CLEAR = 4.0  # smallest σ relative to the error of a later compression on another grid
CAMERA = 4 / 255  # σ of a camera's faint noise; 3 and 5 were worse for PolyU's even pictures
BLUR, LAG = 0.6, 4  # its blur by demosaicing, and its largest lag, in pixels
DOUBT = 0.75  # weight of the estimate that expects faint noise where none was found
HALF = 0.5  # smallest weight of the estimate that expects noise
HIDDEN = (0.2, 1.0)  # σ over luma's mean step at which that weight begins to rise, and at which it is 1
SURE = 1.14  # largest ratio of the levels in neighbouring bands at which noise is certain: texture has more
#: JPEG quality from which faint noise may have survived. At 50 the second estimate costs 0.09 dB and finds nothing.
UNSURE = 60


class Before(NamedTuple):
    """The noise before the compression."""

    sigma: float  #: in [0, 1]
    weight: float  #: of the estimate that expects this noise
    known: bool  #: whether noise was found
    possible: bool = True  #: whether faint noise may have survived
    faint: bool = False  #: whether what is there looks like faint noise


def before(found: Compression) -> Before:
    """Find the noise before the JPEG compression; where none is found, it may be faint.

    In a picture that was cropped and saved again it is found in the second file, and only certain if it is well above
    that one's quantisation error.
    """
    if not found.cut or found.last is None:
        return _white(found)
    noise = _white(found.last)
    known = noise.known and 255 * noise.sigma > CLEAR * error(found.last.cells)
    return noise._replace(known=known, possible=known)


def _white(found: Compression) -> Before:
    cells = found.cells
    level = white_under_jpeg(cells.get_buffer("integers0").round().cpu(), cells.get_buffer("step0").cpu())
    faint = level is not None and level.is_faint_noise and found.quality >= UNSURE
    if level is None or not level.is_noise or level.sigma < FAINT:
        possible = found.quality >= UNSURE
        return Before(POSSIBLE / 255, 1.0 if faint else DOUBT, known=False, possible=possible, faint=faint)
    sigma = level.sigma / (LUMA if cells.ycc and len(cells.components) > 1 else 1.0)
    (hidden, bare), ratio = HIDDEN, sigma / coarseness(cells)
    weight = HALF + (1 - HALF) * (ratio - hidden) / (bare - hidden)
    weight = min(1.0, max(HALF, weight)) if level.alike <= SURE else HALF
    return Before(sigma / 255, weight, known=True, faint=faint and weight < 1)


def problem(found: Compression, y: Tensor, noise: Before, settings: Settings) -> Problem:
    """The problem of a JPEG of a noisy picture.

    Args:
        found: the compression.
        y: the decoded file (1, C, H, W).
        noise: the noise before the compression.
        settings: of the task.
    """
    cells, y = found.cells, y[..., *found.place]
    estimates: dict[str, object] = {"found": f"{found.said}, perhaps of faint noise"}
    if noise.known:
        level = round(255 * noise.sigma, 2)
        estimates["found"] = f"noise of σ = {level:.1f} of 255, saved as {found.said}"
        estimates["sigma"] = level
    pilot = Pilot(
        lambda: mean(cells, noise, settings),
        perturbed=lambda seed: mean(shifted(cells, y, seed, NUMBERS[settings.preset].shift), noise, settings),
        learns=settings.preset == "best" and noise.weight < 1,
        work=work_of(y, noise, settings),
    )
    return Problem(
        prior=None,
        objective=Distance(cells.distance),
        recipe=_common.alone(),
        pilot=pilot,
        outputs=clipped,
        estimates=estimates | found.estimates,
    )


def coarseness(cells: JpegCells) -> float:
    """Luma's mean step over the lowest 4 × 4 frequencies."""
    return float(cells.get_buffer("step0")[:4, :4].mean())


def mean(cells: JpegCells, noise: Before, settings: Settings) -> Iterator[Tensor]:
    """Yield the estimates of a JPEG without noise, and last their mean with that of one with noise."""
    if noise.known and noise.weight == 1:
        yield from rounds(cells, noise.sigma, settings)
        return
    x = cells.decode()
    for x in estimates_of(cells, settings):
        yield x
    x = cells.project_in_range(x, margin=NUMBERS[settings.preset].final)
    noisy = x
    if noise.known or noise.faint:
        for estimate in rounds(cells, noise.sigma, settings):
            noisy = estimate
            yield x  # until the other estimate is done
    if noise.faint or not noise.known:
        noisy = finished(cells, noisy, settings)
    yield torch.lerp(x, noisy, 1.0 if noise.faint else noise.weight)


def work_of(y: Tensor, noise: Before, settings: Settings) -> float:
    """The work of ``mean`` for y."""
    count, last = ROUNDS[settings.preset], LAST[settings.preset]
    alternating = in_turn(TWICE, count - 1, y) + cost(last, y)
    if noise.known and noise.weight == 1:
        return alternating
    work = dejpeg_work(y, settings)
    work += alternating if noise.known or noise.faint else 0.0
    return work + (stationary_cost(_common.effort(settings), y) if noise.faint or not noise.known else 0.0)


def finished(cells: JpegCells, x: Tensor, settings: Settings) -> Tensor:
    """Dequantise once more, and remove what a camera's faint noise would have left."""
    r = CAMERA**2 * autocovariance(BLUR, LAG, channels=x.shape[1])
    return stationary(cells.expected(x, CAMERA, blur=BLUR), r, preset=_common.effort(settings))


def rounds(cells: JpegCells, sigma: float, settings: Settings) -> Iterator[Tensor]:
    """Alternate denoising and dequantisation. The denoiser comes last, because the cells contain the noise as well."""
    x = cells.decode()
    yield x
    coarse = COARSE * coarseness(cells) ** 0.5
    count = ROUNDS[settings.preset]
    *levels, last = np.geomspace(np.hypot(sigma, coarse), np.hypot(sigma, coarse / 9), count).tolist()
    denoisers = cycle(partial(non_local, preset=size) for size in TWICE)
    for level, denoise in zip(levels, denoisers, strict=False):
        x = denoise(x, level)
        yield x
        x = cells.expected(x, sigma)
    yield non_local(x, last, preset=LAST[settings.preset])
