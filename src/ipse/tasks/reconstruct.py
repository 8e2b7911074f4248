"""Reconstruction: argmin_x ‖A x − y‖² / σ² + R(x), y what a scanner measured and A its geometry, or its coils.

Two priors are tried, self-similarity (plug-and-play) and an untrained network with total variation, and measurements
that were held out from both say how to mix them (``tasks/_scan.py``).
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike

from ipse.engine.problem import Problem
from ipse.errors import OptionError, PictureError
from ipse.pictures import Picture
from ipse.pictures.measurement import Measurement
from ipse.settings import Settings
from ipse.tasks import _common, _magnetic, _scan, _tomography
from ipse.tasks._tomography import LARGEST, angles_of, axis_of, scan_of

SEES = "measurement"
NOTICE = "no medical device: not for diagnosis"


def reconstruct(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    angles: Annotated[
        Path | ArrayLike | None,
        "Angles of the views in degrees: FIRST:LAST (without LAST), or a file with one for each. Default: 0:180.",
    ] = None,
    size: Annotated[int | None, "Side of the result in pixels. Default: the detector's elements."] = None,
    centre: Annotated[
        float | None,
        "Element onto which the axis of rotation falls, from 0. Default: found from opposite views, or the middle.",
    ] = None,
    photons: Annotated[float | None, "Photons of an element without object, if they are few."] = None,
    row: Annotated[int | None, "Row of a detector with several, from 0. Default: the middle."] = None,
) -> Problem:
    """Reconstruct a picture from the projections of a tomograph, or from a complex k-space. It is no medical device.

    A k-space is Cartesian, (coils, H, W) or (H, W), 0 where nothing was sampled, zero frequency at (H // 2, W // 2).

    Raises:
        PictureError: it is no measurement that can be used.
        OptionError: the geometry does not match it.
    """
    del row  # the measurement is what was read of it
    if not isinstance(picture, Measurement):
        raise PictureError(
            f"{picture.name}: is a picture; expected a measurement: give it to ipse.reconstruct"
        )
    if picture.complex:
        _refuse_geometry(angles=angles, size=size, centre=centre, photons=photons)
        return _of_coils(picture, settings)
    views, elements = picture.size
    _check(size, centre, photons, elements)
    turns = angles_of(angles, picture)
    y = _common.tensor(picture, settings)
    if centre is None:
        centre = axis_of(picture.samples, turns)
    scan = scan_of(y, turns, size=size or elements, centre=centre, photons=photons)
    span = float(np.ptp(turns))
    estimates: dict[str, object] = {
        "found": f"{views} views over {span:.4g} degrees, of {elements} elements ({NOTICE})",
        "centre": (elements - 1) / 2 if centre is None else centre,
        "sigma": scan.sigma * scan.unit,
    }
    return _scan.problem(scan, settings, _tomography.NUMBERS[_common.effort(settings)], estimates)


def _of_coils(picture: Measurement, settings: Settings) -> Problem:
    """The problem of a k-space."""
    scan = _magnetic.scan_of(picture, _common.tensor(picture, settings))
    share = float(scan.weight.mean())
    estimates: dict[str, object] = {
        "found": f"k-space of {scan.y.shape[1] // 2} coils, {100 * share:.3g} % of it sampled ({NOTICE})",
        "sigma": scan.sigma * scan.unit,
    }
    return _scan.problem(scan, settings, _magnetic.NUMBERS[_common.effort(settings)], estimates)


def _refuse_geometry(**told: object) -> None:
    """Refuse options of projections where the measurement is none."""
    for name, value in told.items():
        if value is not None:
            raise OptionError(f"{name} belongs to projections, but the measurement is complex: leave it out")


def _check(size: int | None, centre: float | None, photons: float | None, elements: int) -> None:
    """Refuse a geometry that cannot be."""
    if size is not None and not 1 <= size <= LARGEST:
        raise OptionError(f"size {size} is out of range: give 1 to {LARGEST} pixels a side")
    if elements > LARGEST:
        raise PictureError(
            f"the detector has {elements} elements; expected at most {LARGEST}: crop or bin it"
        )
    if centre is not None and not -elements <= centre <= 2 * elements:
        raise OptionError(
            f"centre {centre:g} is far from the detector's {elements} elements: give the axis' element"
        )
    if photons is not None and not photons > 0:
        raise OptionError(f"photons {photons:g} are none: give a number above 0")
