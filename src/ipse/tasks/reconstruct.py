"""Reconstruction: argmin_x ‖A x − y‖² / σ² + R(x), y a measurement, A a scanner's geometry, its coils, or your own.

Two priors are tried, self-similarity (plug-and-play) and an untrained network with total variation, and measurements
that were held out from both say how to mix them (``tasks/_scan.py``).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from ipse.engine.operators.fan import Detector
from ipse.engine.operators.foreign import Foreign
from ipse.engine.problem import Problem
from ipse.errors import OptionError, PictureError
from ipse.pictures import Picture
from ipse.pictures.measurement import Measurement
from ipse.settings import Settings
from ipse.tasks import _common, _magnetic, _operator, _scan, _tomography
from ipse.tasks._detector import axis_of
from ipse.tasks._tomography import LARGEST, angles_of, distance_of, scan_of

SEES = "measurement"
NOTICE = "no medical device: not for diagnosis"


def reconstruct(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    angles: Annotated[
        Path | ArrayLike | None,
        "Angles in degrees: FIRST:LAST (without LAST), or a file with one a view. Default: 0:180, of a fan 0:360.",
    ] = None,
    size: Annotated[int | None, "Side of the result in pixels. Default: the detector's elements."] = None,
    centre: Annotated[
        float | None,
        "Element onto which the axis of rotation falls, from 0. Default: found, or the middle.",
    ] = None,
    fan: Annotated[
        str | tuple[float, float] | None,
        "Fan beam: distances from the source to the axis, and from there to the detector, in elements: 1000,500.",
    ] = None,
    detector: Annotated[Detector, "Shape of a fan beam's detector."] = "flat",
    photons: Annotated[float | None, "Photons of an element without object, if they are few."] = None,
    row: Annotated[int | None, "Row of a detector with several, from 0. Default: the middle."] = None,
    sigma: Annotated[
        float | None, "Noise level of the measurement in its own units. Default: estimated."
    ] = None,
    operator: Annotated[
        str | Callable[[Any], Any] | None,
        "What the instrument does, MODULE:NAME, which is imported: linear on a tensor, or a physics of deepinv.",
        "code",
    ] = None,
    shape: Annotated[
        str | tuple[int, ...] | None,
        "Shape of the operator's pictures: HEIGHT,WIDTH or CHANNELS,HEIGHT,WIDTH. Default: the measurement's.",
        "local",
    ] = None,
) -> Problem:
    """Reconstruct a picture from the projections of a tomograph, or from a complex k-space. It is no medical device.

    A k-space is Cartesian, (coils, H, W) or (H, W), 0 where nothing was sampled, zero frequency at (H // 2, W // 2).
    With an operator, the measurement is any array. NaN is what was not measured.

    Raises:
        PictureError: it is no measurement that can be used.
        OptionError: the geometry does not match it.
    """
    del row  # the measurement is what was read of it
    if not isinstance(picture, Measurement):
        raise PictureError(
            f"{picture.name}: is a picture; expected a measurement: give it to ipse.reconstruct"
        )
    _check(sigma, shape, operator)
    y = _common.tensor(picture, settings)
    if operator is not None or picture.complex:
        _refuse_geometry(operator, angles=angles, size=size, centre=centre, photons=photons, fan=fan)
        if operator is None:
            return _of_coils(picture, y, settings, sigma)
        return _of_operator(picture, y, settings, _operator.operator_of(operator, shape, picture, y), sigma)
    views, elements = picture.size
    _check_geometry(size, centre, photons, elements)
    turns = angles_of(angles, picture, "0:180" if fan is None else "0:360")
    if centre is None and fan is None:
        centre = axis_of(picture.samples, turns)
    scan = scan_of(
        y, turns, _known(picture, y), size=size or elements, centre=centre, photons=photons, sigma=sigma,
        fan=None if fan is None else distance_of(fan), detector=detector,
    )  # fmt: skip
    estimates: dict[str, object] = {
        "found": f"{views} views over {np.ptp(turns):.4g} degrees, of {elements} elements ({NOTICE})",
        "centre": (elements - 1) / 2 if centre is None else centre,
        "sigma": scan.sigma * scan.unit,
    }
    return _scan.problem(scan, settings, _tomography.NUMBERS[_common.effort(settings)], estimates)


def _known(picture: Measurement, y: Tensor) -> Tensor:
    """What was measured, 1 or 0, in the shape of y."""
    if picture.gaps is None:
        return torch.ones_like(y)
    return torch.from_numpy(np.moveaxis(np.atleast_3d(~picture.gaps), -1, 0)[None].astype(np.float32)).to(y)


def _of_coils(picture: Measurement, y: Tensor, settings: Settings, sigma: float | None) -> Problem:
    """The problem of a k-space."""
    scan = _magnetic.scan_of(picture, y, sigma)
    share = float(scan.weight.mean())
    estimates: dict[str, object] = {
        "found": f"k-space of {scan.y.shape[1] // 2} coils, {100 * share:.3g} % of it sampled ({NOTICE})",
        "sigma": scan.sigma * scan.unit,
    }
    return _scan.problem(scan, settings, _magnetic.NUMBERS[_common.effort(settings)], estimates)


def _of_operator(
    picture: Measurement, y: Tensor, settings: Settings, operator: Foreign, sigma: float | None
) -> Problem:
    """The problem of an operator that was told."""
    known = _known(picture, y)
    scan = _operator.scan_of(y, known, operator, sigma)
    pair = " × ".join(map(str, operator.picture)), " × ".join(map(str, operator.measured))
    estimates: dict[str, object] = {
        "found": f"pictures of {pair[0]} from {pair[1]} samples, {100 * float(1 - known.mean()):.3g} % of them gaps",
        "sigma": scan.sigma * scan.unit,
    }
    return _scan.problem(scan, settings, _operator.NUMBERS[_common.effort(settings)], estimates)


def _refuse_geometry(operator: object, **told: object) -> None:
    """Refuse options of projections where the measurement is none."""
    for name, value in told.items():
        if value is not None:
            instead = "the measurement is complex" if operator is None else "an operator is given"
            raise OptionError(f"{name} belongs to projections, but {instead}: leave it out")


def _check(sigma: float | None, shape: object, operator: object) -> None:
    """Refuse what cannot be."""
    if sigma is not None and not (np.isfinite(sigma) and sigma >= 0):
        raise OptionError(f"sigma {sigma:g} is no noise level: give 0 or more, in units of the measurement")
    if shape is not None and operator is None:
        raise OptionError(
            f"shape {shape} is that of an operator's pictures: give --operator, or --size instead"
        )


def _check_geometry(size: int | None, centre: float | None, photons: float | None, elements: int) -> None:
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
