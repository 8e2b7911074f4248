"""Automatic restoration: y = Q(x + n) + s, with noise n of any kind, Q JPEG quantisation or the identity, s stripes.

    no JPEG      x* = D(y)                                    ``denoise``, or measured camera noise (``_camera``)
    n ≈ 0        x* ∈ cells                                   ``dejpeg``
    both         y_k = E[x_k + n | cells],  x_{k+1} = D(y_k)  alternate dequantisation and denoising
    unsure       the mean of the last two

The case is detected: noise is measured in flat areas, and noise before a JPEG from the quantised coefficients in the
file. Stripes are removed first (``_striped``). A picture with nothing to restore is left unchanged.
"""

from dataclasses import replace

from torch import Tensor

from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.problem import Nothing, Problem
from ipse.noise.stripes import stripes
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tasks import _camera, _common, _noisy_jpeg, _striped
from ipse.tasks._off_grid import Place, framed
from ipse.tasks._whiten import find
from ipse.tasks.dejpeg import cells_of, dejpeg
from ipse.tasks.denoise import denoise, remove

SEES = "whole"  # damage is detected, and removed, in the same way everywhere
FINE = 97  # JPEG quality from which quantisation is negligible


def enhance(picture: Picture, settings: Settings = Settings()) -> Problem | Nothing:
    """Detect what is wrong with a picture (noise, impulses, stripes, JPEG artefacts) and repair it."""
    if settings.preset == "paper":  # the reference only has a recipe for noise
        return denoise(picture, settings)
    y = _common.tensor(picture, settings)
    found = _cells(y, picture)
    lines = stripes(y) if found is None else None
    if lines is not None:
        return _striped.without(lines, y, lambda rest, z: _restored(rest, z, None, settings))
    return _restored(picture, y, found, settings)


def _restored(
    picture: Picture, y: Tensor, found: tuple[JpegCells, int, Place] | None, settings: Settings
) -> Problem | Nothing:
    """The problem of a picture y (1, C, H, W) without stripes, which may have been a JPEG."""
    under = None if found is None else _noisy_jpeg.before(found[0])
    known = under is not None and under.known
    seen = find(y, "auto", None, fine=picture.dtype.itemsize > 1, grain=False)
    white = known or seen.kind not in (
        "none",
        "correlated",
    )  # confirmed, so that what is correlated is texture
    measured = None if white else _camera.noise_of(y, jpeg=found is not None)
    if measured is not None:
        estimates: dict[str, object] = {"noise": _camera.said(measured), "kind": "correlated"}
        return _camera.problem(y, measured, settings, estimates | {"sigma": _camera.levels(measured)})
    if found is None or under is None or (not known and seen.kind == "correlated"):
        return _said(remove(picture, y, seen, settings), "noise")
    cells, quality, place = found
    free = settings.latent is not None or settings.network is not None
    if free or (not known and quality < _noisy_jpeg.UNSURE):
        return _said(dejpeg(picture, settings), f"a JPEG of quality {quality}")
    problem = _noisy_jpeg.problem(cells, y[..., *place], quality, under, settings)
    return framed(problem, y, cells, place, sigma=under.sigma if known else 0.0)


def _cells(y: Tensor, picture: Picture) -> tuple[JpegCells, int, Place] | None:
    """The cells of a JPEG, its quality and the region they cover; None if quantisation is negligible."""
    found = cells_of(y, picture, None)
    return found if found is not None and found[1] < FINE else None


def _said(posed: Problem | Nothing, found: str) -> Problem | Nothing:
    """The problem of another task, with the detected damage added to its estimates."""
    return replace(posed, estimates={"found": found, **posed.estimates})
