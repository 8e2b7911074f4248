"""y(θ, t) = ∫ x along a ray: projections in parallel beams as a ``Scan``, with filtered back-projection as its start.

Kak and Slaney, "Principles of Computerized Tomographic Imaging", 1988, https://doi.org/10.1137/1.9780898719277
"""

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.fft import irfft, rfft  # pyright: ignore[reportUnknownVariableType]  # torch.fft has no types

from ipse.engine.operators.fan import Detector, Fan
from ipse.engine.operators.radon import Radon
from ipse.errors import OptionError
from ipse.pictures.measurement import Measurement
from ipse.tasks._scan import FAINTEST, Numbers, Scan, unit_of
from ipse.tasks._splitting import Measured, rough, solved

FLOOR = 0.02  # of the whitening filter, at the lowest frequency, relative to the highest
TIKHONOV, ITERATIONS = 300.0, 20  # λ / σ² and conjugate gradients of the estimate that sets the unit
LARGEST = 4096  # elements or pixels a side, for which the matrix still fits into memory

TRIALS = (0.3, 0), (1, 0), (0.3, 1), (0.3, 2)  # κ, and λ in units of σ
NUMBERS = {
    "fast": Numbers(("fast four", "fast five") * 6, TRIALS[:1], (30 / 255, 2 / 255)),
    "good": Numbers(("four", "five") * 6 + ("fine",) * 8, TRIALS),
    "best": Numbers(("four", "five") * 6 + ("fine",) * 8, TRIALS, steps=1000),
}


def scan_of(
    y: Tensor,
    angles: NDArray[np.float64],
    known: Tensor,
    *,
    size: int,
    centre: float | None,
    photons: float | None,
    sigma: float | None = None,
    fan: float | None = None,
    detector: Detector = "flat",
) -> Scan:
    """The scan of projections y (1, 1, views, elements), whose rays add up x ≥ 0, where they are known (1 or 0).

    With ``fan``, the elements from the source to the detector, the rays are those of a fan beam.
    """
    elements = y.shape[-1]
    if fan is None:
        operator = Radon((size, size), angles, bins=elements, centre=centre).to(y.device)
    else:
        square = (size, size)
        operator = Fan(square, angles, fan, detector=detector, bins=elements, centre=centre).to(y.device)
    weight = known
    if photons is not None:  # σ² of a logarithm of counts is one over their number
        weight = known * (-y).exp().clamp(max=1)
    sigma = _noise(y, weight) if sigma is None else sigma
    sigma = max(sigma, FAINTEST * float(y.square().mean().sqrt()), 1e-12)
    start = back_projected(operator, y, angles)
    measured = Measured(y, operator, weight, (size, size))
    smooth = TIKHONOV * sigma**2 / max(float(start.abs().amax()), 1e-12) ** 2
    with torch.no_grad():
        soft = solved(measured, start, lambda d: smooth * rough(d), iterations=ITERATIONS)
    unit = unit_of(soft.clamp_min(0))
    rows = torch.arange(y.shape[-2]).to(y.device)[:, None].expand(y.shape)
    return Scan(
        y / unit, operator, (soft / unit).clamp_min(0), sigma / unit, weight,
        whitened=ramp(elements, power=0.5, floor=FLOOR), within=lambda x: x.clamp_min(0),
        groups=rows, unit=unit, finished=lambda x: x * unit,
    )  # fmt: skip


def _noise(y: Tensor, weight: Tensor) -> float:
    """σ of the projections where w is 1, from their third differences along the detector, which are mostly noise."""
    if y.shape[-1] < 8:
        return 0.0
    bent = (y[..., 3:] - 3 * y[..., 2:-1] + 3 * y[..., 1:-2] - y[..., :-3]) * weight[..., 1:-2].sqrt()
    there = weight.unfold(-1, 4, 1).amin(-1) > 0
    return float(bent[there].abs().median()) / 0.6745 / 20**0.5 if there.any() else 0.0


def ramp(elements: int, *, power: float = 1.0, floor: float = 0.0) -> "Any":
    """The filter (|ω| + floor)^power along the detector, ω relative to its highest frequency."""
    length = 1 << (2 * elements - 1).bit_length()
    response = (torch.linspace(0, 1, length // 2 + 1) + floor) ** power

    def filtered(y: Tensor) -> Tensor:
        spectrum = cast(Tensor, rfft(y, n=length)) * response.to(y)
        return cast(Tensor, irfft(spectrum, n=length))[..., :elements]

    return filtered


def back_projected(operator: Radon | Fan, y: Tensor, angles: NDArray[np.float64]) -> Tensor:
    """Filtered back-projection; each view counts for the angle that it stands for."""
    shares = torch.from_numpy(spacing(angles)).to(y)[:, None]
    return operator.adjoint(ramp(y.shape[-1])(y) * shares / 2, (1, 1, *operator.size))


def spacing(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle in radians that each view stands for: half of the way to its neighbours, around half a turn.

    A gap counts as wide as other steps: what was not measured there, others cannot stand for.
    """
    turns = np.mod(np.deg2rad(angles), np.pi)
    order = np.argsort(turns, kind="stable")
    steps = np.diff(turns[order], append=turns[order[0]] + np.pi)
    usual = float(np.median(steps)) or np.pi / len(steps)
    steps = np.minimum(steps, 1.5 * usual)
    shares = np.empty(len(turns))
    shares[order] = (steps + np.roll(steps, 1)) / 2
    return shares


def distance_of(told: Any) -> float:
    """The elements from the source to the detector, from SOURCE-AXIS,AXIS-DETECTOR in elements.

    A pixel is as wide as an element seen from the axis, so that only their sum matters to the picture.

    Raises:
        OptionError: they are not two such numbers.
    """
    try:
        found = [float(part) for part in (told.split(",") if isinstance(told, str) else told)]
    except (TypeError, ValueError):
        found = []
    if len(found) != 2 or not np.isfinite(found).all() or found[0] <= 0 or found[1] < 0:
        raise OptionError(
            f"fan {told} are no distances: give SOURCE-AXIS,AXIS-DETECTOR in elements, such as 1000,500"
        )
    return sum(found)


def angles_of(told: Any, picture: Measurement, usual: str = "0:180") -> NDArray[np.float64]:
    """The angles of a measurement's views, in degrees.

    Args:
        told: FIRST:LAST, a file, an array, or None for those in the measurement's file, or else the usual ones.
        picture: the measurement.
        usual: the usual ones.

    Raises:
        OptionError: they are no angles, or not as many as views.
    """
    views = picture.size[0]
    if told is None:
        told = picture.geometry.get("angles", picture.geometry.get("theta", usual))
    if isinstance(told, str | Path) and str(told).count(":") == 1 and not Path(told).exists():
        try:
            first, last = (float(part) for part in str(told).split(":"))
        except ValueError:
            first = last = np.nan
        found = np.linspace(first, last, views, endpoint=False)
    elif isinstance(told, str | Path):
        found = _from_file(Path(told))
    else:
        found = np.asarray(told)
    if found.dtype.kind not in "iuf" or not found.size or not np.isfinite(found).all():
        raise OptionError(
            f"angles {told} are no finite numbers: give FIRST:LAST in degrees, or a file with one a view"
        )
    if found.size != views:
        raise OptionError(
            f"there are {found.size} angles and {views} views (the measurement's rows): give one angle for each view"
        )
    return found.astype(np.float64).ravel()


def _from_file(path: Path) -> NDArray[Any]:
    """Numbers from .npy, or from text.

    Raises:
        OptionError: there are none.
    """
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False)
        return np.array(path.read_text(encoding="utf-8").replace(",", " ").split(), np.float64)
    except (OSError, ValueError, EOFError) as error:
        said = (str(error).splitlines() or ["?"])[0]
        raise OptionError(
            f"angles {path} cannot be read ({said}): give .npy, or text with one number a view"
        ) from None
