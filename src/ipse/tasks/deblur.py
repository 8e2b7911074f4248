"""Deblurring: argmin_x ‖m ⊙ (k ∗ x − y)‖² / σ² + R(x), k the blur kernel.

The kernel is given: as a file, as a lens out of focus, or as straight motion. R is self-similarity, by plug-and-play
(``ipse.pilots.deconvolution``). A network is fitted only if it is asked for (--steps, --network, …); it then corrects
that estimate, as in ``restore``.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Nothing, Pilot, Problem, clipped
from ipse.errors import OptionError, PictureError
from ipse.noise import white
from ipse.pictures import Picture, disc, line, psf_of, read_psf
from ipse.pilots.deconvolution import deconvolution
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks.restore import mixture, restore

Kernel = NDArray[np.float64]

POINT = 0.98  # share of its light that a kernel has in one pixel, where there is no blur to undo
MORE = 1 / 255  # with several seeds, σ of the noise that each run adds to y
LARGEST = 500.0  # pixels of a kernel that is drawn


def deblur(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    psf: Annotated[Path | ArrayLike | None, "Blur kernel (PSF): a picture, .npy or .npz."] = None,
    defocus: Annotated[float | None, "Radius in pixels of the disc of a lens out of focus."] = None,
    motion: Annotated[
        str | tuple[float, float] | None, "LENGTH,ANGLE of straight motion: pixels, degrees from the right."
    ] = None,
    sigma: Annotated[float | None, "Noise level on the scale 0 to 255, if known."] = None,
) -> Problem | Nothing:
    """Sharpen a blurred picture whose blur kernel is known.

    Raises:
        OptionError: not exactly one kernel was given, or a value is invalid.
        PictureError: the psf cannot be read, or is larger than the picture.
    """
    kernel = _kernel(psf, defocus, motion)
    _check(kernel, picture, sigma)
    if kernel.max() > POINT:
        return Nothing("nothing to restore: the kernel is a point", {"kernel": _said(kernel)})
    y = _common.tensor(picture, settings)
    level = white(y) if sigma is None else sigma / 255
    estimates = {"kernel": _said(kernel), "sigma": round(255 * level, 2)}
    asked = (settings.steps, settings.rule, settings.network, settings.latent) != (None,) * 4
    if asked or settings.preset == "paper":
        return replace(_fitted(picture, settings, kernel, level), estimates=estimates)
    return replace(_unfitted(y, settings, kernel, level), estimates=estimates)


def look(picture: Picture, settings: Settings, **options: Any) -> dict[str, object]:
    """Read the kernel and estimate the noise on the whole picture; tiles get them as an array and a number."""
    kernel = _kernel(*(options.get(name) for name in ("psf", "defocus", "motion")))
    _check(kernel, picture, options.get("sigma"))
    sigma = options.get("sigma")
    level = 255 * white(_common.tensor(picture, settings)) if sigma is None else sigma
    return {"psf": kernel, "sigma": level}


def _unfitted(y: Tensor, settings: Settings, kernel: Kernel, sigma: float) -> Problem:
    """The problem without a fit."""
    operator, inner, _ = mixture(y, kernel, 1, "bicubic")
    k, effort = torch.from_numpy(kernel).float().to(y.device), _common.effort(settings)

    def perturbed(seed: int) -> Iterator[Tensor]:
        return deconvolution(_common.noisier(y, MORE, seed), k, float(np.hypot(sigma, MORE)), effort=effort)

    return Problem(
        prior=None,
        objective=LeastSquares(y, operator),
        recipe=_common.alone(),
        pilot=Pilot(lambda: deconvolution(y, k, sigma, effort=effort), perturbed),
        outputs=lambda x: clipped(inner(x)),
    )


def _fitted(picture: Picture, settings: Settings, kernel: Kernel, sigma: float) -> Problem:
    """The network of ``restore``, which corrects an estimate; some measurements are held out to judge it."""
    return restore(picture, settings, psf=kernel, sigma=255 * sigma)


def _kernel(psf: Any, defocus: float | None, motion: Any) -> Kernel:
    """The kernel that was asked for.

    Raises:
        OptionError: none or several were, or a value is invalid.
    """
    told = [
        name
        for name, one in zip(("psf", "defocus", "motion"), (psf, defocus, motion), strict=True)
        if one is not None
    ]
    if len(told) != 1:
        given = " and ".join(told) or "none"
        raise OptionError(f"the blur is told by {given}: give exactly one of --psf, --defocus and --motion")
    if psf is not None:
        return read_psf(psf) if isinstance(psf, str | Path) else psf_of(psf)
    if defocus is not None:
        if not 0 < defocus <= LARGEST / 2:
            raise OptionError(
                f"defocus {defocus:g} is out of range: give a radius above 0, to {LARGEST / 2:g} pixels"
            )
        return disc(defocus)
    return _motion(motion)


def _motion(motion: Any) -> Kernel:
    """The kernel of "LENGTH,ANGLE", or of a pair of numbers."""

    try:
        length, angle = (float(part) for part in (motion.split(",") if isinstance(motion, str) else motion))
    except (TypeError, ValueError):
        raise OptionError(
            f"motion {motion!r} is not LENGTH,ANGLE: give two numbers with a comma, such as 15,30"
        ) from None
    if not (0 < length <= LARGEST and np.isfinite(angle)):
        raise OptionError(
            f"motion {motion!r} is out of range: give a length above 0, to {LARGEST:g} pixels, and an angle"
        )
    return line(length, angle)


def _check(kernel: Kernel, picture: Picture, sigma: float | None) -> None:
    """Refuse a kernel larger than the picture, and a noise level out of range."""
    (height, width), (tall, wide) = picture.size, kernel.shape
    if tall > height or wide > width:
        raise PictureError(
            f"the kernel has {wide}×{tall} pixels, the picture {width}×{height}: "
            "give a smaller kernel, cropped to where it is not 0"
        )
    if sigma is not None and not 0 <= sigma <= 255:
        raise OptionError(f"sigma {sigma:g} is out of range: give 0 to 255, on the scale of 8 bits")


def _said(kernel: Kernel) -> str:
    return f"{kernel.shape[1]}×{kernel.shape[0]}"
