"""Automatic restoration: y = Q(x + n) + s, with noise n of any kind, Q JPEG quantisation or the identity, s stripes.

    no JPEG      x* = D(y)                                    ``denoise``, or measured camera noise (``_camera``)
    n ≈ 0        x* ∈ cells                                   ``dejpeg``
    both         y_k = E[x_k + n | cells],  x_{k+1} = D(y_k)  alternate dequantisation and denoising
    unsure       the mean of the last two

The case is detected: noise is measured in flat areas, and noise before a JPEG from the quantised coefficients in the
file. Stripes are removed first (``_striped``). A picture with nothing to restore is left unchanged.
"""

from dataclasses import replace
from typing import Annotated

from torch import Tensor

from ipse.engine.problem import Nothing, Problem
from ipse.errors import OptionError
from ipse.noise.stripes import stripes
from ipse.pictures import Picture
from ipse.settings import Settings
from ipse.tasks import _camera, _common, _noisy_jpeg, _striped
from ipse.tasks._compression import Compression, compression
from ipse.tasks._enlarged import enlarged
from ipse.tasks._off_grid import framed
from ipse.tasks._whiten import find
from ipse.tasks.dejpeg import dejpeg
from ipse.tasks.denoise import denoise, remove
from ipse.tasks.upscale import upscale

SEES = "whole"  # damage is detected, and removed, in the same way everywhere
FINE = 97  # JPEG quality from which quantisation is negligible

# σ of correlated noise up to which that of a JPEG is removed as faint noise; docs/decisions/enhance.md
LOUD = 6 / 255


def enhance(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    factor: Annotated[int, "Enlarge each side as well, 2 to 8 times."] = 1,
) -> Problem | Nothing:
    """Detect what is wrong with a picture (noise, impulses, stripes, JPEG artefacts) and repair it.

    Raises:
        OptionError: an invalid factor, or one with the preset ``paper``.
    """
    if factor == 1:
        return _damage(picture, settings)
    if settings.preset == "paper":
        raise OptionError("the preset paper cannot enlarge a damaged picture: denoise it, then upscale it")
    found = _damage(picture, replace(settings, steps=None, rule=None, latent=None, network=None))
    if isinstance(found, Nothing):
        posed = upscale(picture, settings, factor=factor)
        return replace(posed, estimates={"found": "lost resolution only", **posed.estimates})
    return enlarged(found, _common.tensor(picture, settings), factor, settings)


def _damage(picture: Picture, settings: Settings) -> Problem | Nothing:
    """The problem of the picture at its own size."""
    if settings.preset == "paper":  # the reference only has a recipe for noise
        return denoise(picture, settings)
    y = _common.tensor(picture, settings)
    found = _compression(y, picture)
    lines = stripes(y) if found is None else None
    if lines is not None:
        return _striped.without(lines, y, lambda rest, z: _restored(rest, z, None, settings))
    return _restored(picture, y, found, settings)


def _restored(
    picture: Picture, y: Tensor, found: Compression | None, settings: Settings
) -> Problem | Nothing:
    """The problem of a picture y (1, C, H, W) without stripes, which may have been a JPEG."""
    under = None if found is None else _noisy_jpeg.before(found)
    if found is None or under is None or not (under.known or found.last):
        seen = find(y, "auto", None, fine=picture.dtype.itemsize > 1, grain=False)
        least = LOUD if under is not None and under.possible else 0.0
        # Where white noise is confirmed, what is correlated is texture
        doubtful = seen.kind in ("none", "correlated")
        measured = _camera.noise_of(y, jpeg=found is not None) if doubtful else None
        if measured is not None and max(measured.sigma) > least:
            estimates: dict[str, object] = {"noise": _camera.said(measured), "kind": "correlated"}
            return _camera.problem(y, measured, settings, estimates | {"sigma": _camera.levels(measured)})
        if found is None or under is None or (seen.kind == "correlated" and seen.sigma > least):
            return _said(remove(picture, y, seen, settings), "noise")
    free = settings.latent is not None or settings.network is not None
    if free or not under.possible:
        return _said(dejpeg(picture, settings), found.said)
    problem = _noisy_jpeg.problem(found, y, under, settings)
    return framed(problem, y, found.cells, found.place, sigma=under.sigma if under.known else 0.0)


def _compression(y: Tensor, picture: Picture) -> Compression | None:
    """The JPEG compression of a picture; None if quantisation is negligible."""
    found = compression(y, picture, None)
    return found if found is not None and found.quality < FINE else None


def _said(posed: Problem | Nothing, found: str) -> Problem | Nothing:
    """The problem of another task, with the detected damage added to its estimates."""
    return replace(posed, estimates={"found": found, **posed.estimates})
