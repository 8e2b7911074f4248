"""y_c = F (s_c ⊙ x), where it was sampled: a Cartesian k-space of one or several coils as a ``Scan``.

A coil's noise is made 1 before coils are compared. The sensitivities carry the picture's own smooth phase, so that the
picture that is sought is nearly real; the result gets its phase back.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ipse.engine.operators.coils import Coils, joined, parted
from ipse.errors import PictureError
from ipse.pictures.measurement import Measurement
from ipse.pilots.espirit import LEAST, MOST, low, sensitivities
from ipse.tasks._scan import FAINTEST, Numbers, Scan, brightest, unit_of
from ipse.tasks._splitting import Measured, rough, solved

OUTER = 0.2  # of the samples, those of the highest frequencies, show the noise
CROP = 0.8  # eigenvalue below which there is no object, for coils to see
TIKHONOV, ITERATIONS = (
    1.0,
    15,
)  # λ, in units of σ over the brightest place, and conjugate gradients of the first estimate

TRIALS = (0.3, 0), (0.1, 0), (1, 0)  # κ, and λ
NUMBERS = {
    "fast": Numbers(("fast four", "fast five") * 6, TRIALS[:1], (30 / 255, 2 / 255)),
    "good": Numbers(("four", "five") * 6 + ("fine",) * 8, TRIALS),
    "best": Numbers(("four", "five") * 6 + ("fine",) * 8, TRIALS, steps=1000),
}


def scan_of(picture: Measurement, y: Tensor, noise: float | None = None) -> Scan:
    """The scan of a k-space y (1, 2 coils, H, W), with the σ of its noise, if that is known.

    Raises:
        PictureError: nothing was sampled, or several coils share no fully sampled centre.
    """
    mask = sampled(picture)
    size, spectrum = (mask.shape[0], mask.shape[1]), joined(y)[0].cpu().numpy()
    strength = max(float(np.sqrt(np.mean(np.abs(spectrum[:, mask]) ** 2))), 1e-30)
    levels = np.array([_noise(coil, mask) if noise is None else noise for coil in spectrum]) / strength
    sigma = max(float(levels.mean()), FAINTEST)
    scale = (np.maximum(levels, FAINTEST) / sigma)[:, None, None].astype(np.float32)  # of each coil
    maps, turn = _coils(picture, spectrum / scale, scale, mask)
    operator = Coils(maps * turn).to(y.device)
    even = y / torch.from_numpy(strength * np.repeat(scale, 2, 0)).to(y)[None]
    weight = torch.from_numpy(mask.astype(np.float32))[None, None].to(y.device)
    measured = Measured(even, operator, weight, size)
    with torch.no_grad():
        folded = operator.adjoint(weight * even, (1, 2, *size))
        smooth = TIKHONOV * sigma / max(brightest(_magnitude(folded)), 1e-12)
        first = solved(measured, folded, lambda d: smooth * rough(d), iterations=ITERATIONS)
    unit = unit_of(_magnitude(first))
    return Scan(
        even / unit, operator, first / unit, sigma / unit, weight,
        whitened=lambda y: y, within=lambda x: x, groups=groups(mask).to(y.device), unit=strength * unit,
        finished=lambda x: strength * unit * _turned(x, turn), signed=True,
    )  # fmt: skip


def sampled(picture: Measurement) -> NDArray[np.bool_]:
    """Which frequencies were sampled, (H, W): the mask beside the measurement, or all but exact zeros.

    Raises:
        PictureError: none, or the mask has another shape.
    """
    there = picture.samples.any(-1) if picture.samples.ndim == 3 else picture.samples != 0
    told = picture.geometry.get("mask")
    if told is not None and told.shape != there.shape:
        raise PictureError(f"{picture.name}: its mask has shape {told.shape}; expected {there.shape}")
    mask = np.asarray(there if told is None else told != 0, bool)
    if picture.gaps is not None:
        mask &= ~np.atleast_3d(picture.gaps).any(-1)
    if not mask.any():
        raise PictureError(
            f"{picture.name}: all samples are 0; expected a k-space, 0 only where nothing was sampled"
        )
    return mask


def groups(mask: NDArray[np.bool_]) -> Tensor:
    """What is held out together, (1, 1, H, W): whole lines if whole lines were sampled, else samples; −1 is never."""
    height, width = mask.shape
    across = np.broadcast_to(np.arange(width), mask.shape)
    down = np.broadcast_to(np.arange(height)[:, None], mask.shape)
    if (mask == mask[:1]).all():
        found = across
    elif (mask == mask[:, :1]).all():
        found = down
    else:
        found = down * width + across
    half = centre_of(mask) // 2
    middle = (np.abs(down - height // 2) <= half) & (np.abs(across - width // 2) <= half)
    never = np.isin(found, found[middle])
    return torch.from_numpy(np.where(mask & ~never, found, -1))[None, None]


def centre_of(mask: NDArray[np.bool_]) -> int:
    """The side of the largest square around zero frequency of which all was sampled; at most ``MOST``."""
    height, width = (side // 2 for side in mask.shape)
    half = 0
    while half < min(height, width, MOST // 2):
        half += 1
        if not mask[height - half : height + half, width - half : width + half].all():
            return 2 * (half - 1)
    return 2 * half


def _coils(
    picture: Measurement, spectrum: NDArray[Any], scale: NDArray[Any], mask: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sensitivities (coils, H, W) over each coil's scale, told or estimated, and the picture's smooth phase e^{iφ}."""
    side = centre_of(mask)
    (height, width), half = (part // 2 for part in mask.shape), max(1, side // 2)
    size = (mask.shape[0], mask.shape[1])
    centre = spectrum[:, max(0, height - half) : height + half, max(0, width - half) : width + half]
    told = picture.geometry.get("coils")
    if told is not None:
        maps = np.asarray(told, np.complex64)
        if maps.shape != spectrum.shape:
            raise PictureError(
                f"{picture.name}: its coils have shape {maps.shape}; expected {spectrum.shape}"
            )
        maps = maps / scale
    elif len(spectrum) == 1:
        maps = np.ones((1, *size), np.complex64)
    elif side < LEAST:
        raise PictureError(
            f"{picture.name}: the fully sampled centre of {len(spectrum)} coils is {side} samples wide; expected "
            f"{LEAST} at least: give the coils' sensitivities as the array 'coils' beside the measurement"
        )
    else:
        maps = sensitivities(centre, size, crop=CROP)
    seen = (maps.conj() * low(centre, size)).sum(0)
    return maps, np.exp(1j * np.angle(seen)).astype(np.complex64)


def _noise(coil: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """σ of the real and the imaginary parts of one coil's samples (H, W), from the highest frequencies."""
    height, width = mask.shape
    radius = np.hypot((np.arange(height)[:, None] / height - 0.5), (np.arange(width) / width - 0.5))
    far = mask & (radius >= np.quantile(radius[mask], 1 - OUTER))
    parts = np.abs(np.stack([np.real(coil[far]), np.imag(coil[far])]))
    return float(np.median(parts)) / 0.6745


def _magnitude(x: Tensor) -> Tensor:
    """|x| (1, H, W) of x (1, 2, H, W)."""
    return x.square().sum(1).sqrt()


def _turned(x: Tensor, turn: NDArray[Any]) -> Tensor:
    """x (1, 2, H, W) times e^{iφ}."""
    return parted(joined(x) * torch.from_numpy(turn).to(x.device))
