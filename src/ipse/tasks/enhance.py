"""Automatic restoration: y = Q(x + n), with noise n of any kind and Q JPEG quantisation or the identity.

    no JPEG      x* = D(y)                                    ``denoise``, or measured camera noise (``_camera``)
    n ≈ 0        x* ∈ cells                                   ``dejpeg``
    both         y_k = E[x_k + n | cells],  x_{k+1} = D(y_k)  alternate dequantisation and denoising

The case is detected: noise is measured in flat areas, and noise before a JPEG from the quantised coefficients in the
file. A picture with nothing to restore is left unchanged.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle

import numpy as np
from torch import Tensor

from ipse.engine.objectives import Distance
from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.problem import Nothing, Pilot, Problem, clipped
from ipse.noise import estimate
from ipse.noise.under_jpeg import white_under_jpeg
from ipse.pictures import Picture
from ipse.pilots.non_local import non_local
from ipse.settings import Settings
from ipse.tasks import _camera, _common
from ipse.tasks._off_grid import Place, framed
from ipse.tasks.dejpeg import TWICE, cells_of, dejpeg
from ipse.tasks.denoise import denoise

SEES = "whole"  # damage is detected, and removed, in the same way everywhere
# The numbers below are chosen in docs/decisions/enhance.md.
ROUNDS = {"fast": 4, "good": 6, "best": 10}  # number of rounds of denoising and dequantisation
LUMA = (0.299**2 + 0.587**2 + 0.114**2) ** 0.5  # σ of Y for independent noise of σ = 1 in R, G and B
COARSE = 3 / 255  # quantisation error of the first round, times the square root of luma's mean step
FAINT = 1.5  # smallest σ before a JPEG, of 255, that is treated as noise
FINE = 97  # JPEG quality from which quantisation is negligible


def enhance(picture: Picture, settings: Settings = Settings()) -> Problem | Nothing:
    """Detect what is wrong with a picture (noise of any kind, impulses, JPEG artefacts) and repair it."""
    if settings.preset == "paper":  # the reference only has a recipe for noise
        return denoise(picture, settings)
    y = _common.tensor(picture, settings)
    cells = _cells(y, picture)
    under = None if cells is None else _before(cells[0])
    if cells is not None and under is not None:
        return framed(_under_jpeg(*cells[:2], under, settings), y, cells[0], cells[2], sigma=under)
    measured = _camera.noise_of(y)
    if measured is not None:
        found: dict[str, object] = {"noise": _camera.said(measured), "kind": "correlated"}
        return _camera.problem(y, measured, settings, found | {"sigma": _camera.levels(measured)})
    if cells is not None and estimate(y).kind != "correlated":
        return _said(dejpeg(picture, settings), f"a JPEG of quality {cells[1]}")
    return _said(denoise(picture, settings), "noise")


def _cells(y: Tensor, picture: Picture) -> tuple[JpegCells, int, Place] | None:
    """The cells of a JPEG, its quality and the region they cover; None if quantisation is negligible."""
    found = cells_of(y, picture, None)
    return found if found is not None and found[1] < FINE else None


def _before(cells: JpegCells) -> float | None:
    """σ, in [0, 1], of the white noise before the JPEG compression; None if there was none."""
    found = white_under_jpeg(cells.get_buffer("integers0").cpu(), cells.get_buffer("step0").cpu())
    if found is None or not found.is_noise or found.sigma < FAINT:
        return None
    return found.sigma / (LUMA if cells.ycc and len(cells.components) > 1 else 1.0) / 255


def _under_jpeg(cells: JpegCells, quality: int, sigma: float, settings: Settings) -> Problem:
    """The problem of a noisy picture that was saved as a JPEG."""
    found = f"noise of σ = {255 * sigma:.1f} of 255, saved as a JPEG of quality {quality}"
    return Problem(
        prior=None,
        objective=Distance(cells.distance),
        recipe=_common.alone(),
        pilot=Pilot(lambda: rounds(cells, sigma, settings)),
        outputs=clipped,
        estimates={"found": found, "sigma": round(255 * sigma, 2), "quality": quality},
    )


def rounds(cells: JpegCells, sigma: float, settings: Settings) -> Iterator[Tensor]:
    """Alternate denoising and dequantisation. The denoiser comes last, because the cells contain the noise as well."""
    x = cells.decode()
    yield x
    coarse = COARSE * float(cells.get_buffer("step0")[:4, :4].mean()) ** 0.5
    count = ROUNDS[settings.preset]
    *levels, last = np.geomspace(np.hypot(sigma, coarse), np.hypot(sigma, coarse / 9), count).tolist()
    denoisers = cycle(partial(non_local, preset=size) for size in TWICE)
    for level, denoiser in zip(levels, denoisers, strict=False):
        x = denoiser(x, level)
        yield x
        x = cells.expected(x, sigma)
    yield non_local(x, last, preset=_common.effort(settings))


def _said(posed: Problem | Nothing, found: str) -> Problem | Nothing:
    """The problem of another task, with the detected damage added to its estimates."""
    return replace(posed, estimates={"found": found, **posed.estimates})
