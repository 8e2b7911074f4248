"""Deblurring: argmin_x ‖m ⊙ (k ∗ x − y)‖² / σ² + R(x), k the blur kernel.

The kernel is given, as a file, as a lens out of focus, or as straight motion; or it is found in the picture
(``ipse.pilots.blur_kernel``). R is self-similarity, by plug-and-play (``ipse.pilots.deconvolution``). A network is
fitted only if it is asked for (--steps, --network, …); it then corrects that estimate, as in ``restore``.
"""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Nothing, Pilot, Problem
from ipse.errors import OptionError, PictureError
from ipse.noise import white
from ipse.pictures import Picture, disc, line, psf_of, read_psf
from ipse.pilots.blur_kernel import drained, is_point, likeness, quarters, search, shown
from ipse.pilots.deconvolution import deconvolution
from ipse.settings import Settings
from ipse.tasks import _common
from ipse.tasks.restore import restore

Kernel = NDArray[np.float64]

BESIDE = ("kernel",)  # what is written beside the result
POINT = 0.98  # share of its light that a kernel has in one pixel, where there is no blur to undo
MORE = 1 / 255  # with several seeds, σ of the noise that each run adds to y
INEXACT = 1.5 / 255  # smallest σ with a kernel that was found, whose errors count like noise
LARGEST = 500.0  # pixels of a kernel that is drawn
EDGES = 0.02  # smallest difference of neighbours, of a picture in which a kernel can be found
SMALLEST = 48  # pixels of its shorter side
UNALIKE = 0.5  # likeness of the kernels of two quarters, below which the blur is said to differ
SHARP = "nothing to restore: the blur kernel is a point; if the picture is blurred, give --psf, --defocus or --motion"


def deblur(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    psf: Annotated[Path | ArrayLike | None, "Blur kernel (PSF), if known: a picture, .npy or .npz."] = None,
    defocus: Annotated[float | None, "Radius in pixels of the disc of a lens out of focus, if known."] = None,
    motion: Annotated[
        str | tuple[float, float] | None,
        "LENGTH,ANGLE of straight motion, if known: pixels, degrees from the right.",
    ] = None,
    sigma: Annotated[float | None, "Noise level on the scale 0 to 255, if known."] = None,
) -> Problem | Nothing:
    """Sharpen a blurred picture. Its blur kernel is found in the picture unless given.

    Raises:
        OptionError: several kernels were given, or a value is invalid.
        PictureError: the psf cannot be read, or is larger than the picture; or there is no edge to find a kernel from.
    """
    kernel, y = _kernel(psf, defocus, motion), _common.tensor(picture, settings)
    _check(kernel, picture, sigma)
    level = white(y) if sigma is None else sigma / 255
    asked = (settings.steps, settings.rule, settings.network, settings.latent) != (None,) * 4
    asked = asked or settings.preset == "paper"
    if kernel is None:
        check_edges(y)
        if not asked:
            return _unfitted(y, settings, None, level)
        found = drained(search(y, effort=_common.effort(settings)))
        if is_point(found):
            return Nothing(SHARP)
        kernel, level = found.cpu().double().numpy(), max(level, INEXACT)
    if kernel.max() > POINT:
        return Nothing(SHARP)
    if asked:
        estimates = {"kernel": _said(kernel), "sigma": round(255 * level, 2)}
        fitted = restore(picture, settings, psf=kernel, sigma=255 * level)
        return replace(fitted, estimates=estimates, beside={"kernel": kernel.astype(np.float32)})
    return _unfitted(y, settings, torch.from_numpy(kernel).float().to(y.device), level)


def look(picture: Picture, settings: Settings, **options: Any) -> dict[str, object] | Nothing:
    """Find the kernel and the noise level of the whole picture; tiles get them as an array and a number."""
    kernel, sigma = (
        _kernel(*(options.get(name) for name in ("psf", "defocus", "motion"))),
        options.get("sigma"),
    )
    _check(kernel, picture, sigma)
    y = _common.tensor(picture, settings)
    level = white(y) if sigma is None else sigma / 255
    if kernel is None:
        check_edges(y)
        found = drained(search(y, effort=_common.effort(settings)))
        if is_point(found):
            return Nothing(SHARP)
        kernel, level = found.cpu().double().numpy(), max(level, INEXACT)
    return {"psf": kernel, "sigma": 255 * level}


def _unfitted(y: Tensor, settings: Settings, kernel: Tensor | None, sigma: float) -> Problem:
    """The problem without a fit; without a kernel, it is found first."""
    estimates: dict[str, object] = {"sigma": round(255 * sigma, 2)}
    beside: dict[str, NDArray[np.float32]] = {}
    if kernel is not None:
        estimates["kernel"], beside["kernel"] = _said(kernel), kernel.cpu().numpy()

    def restored(seen: Tensor, level: float) -> Generator[Tensor, None, Nothing | None]:
        k = kernel
        if k is None:
            k = yield from _found(seen, settings, estimates, beside)
            if is_point(k):
                return Nothing(SHARP, estimates)
            level = max(level, INEXACT)
        yield from deconvolution(seen, k, level, effort=_common.effort(settings))
        return None

    return Problem(
        prior=None,
        objective=LeastSquares(y),
        recipe=_common.alone(),
        pilot=Pilot(
            lambda: restored(y, sigma),
            lambda seed: restored(_common.noisier(y, MORE, seed), float(np.hypot(sigma, MORE))),
        ),
        estimates=estimates,
        beside=beside,
    )


def _found(
    y: Tensor, settings: Settings, estimates: dict[str, object], beside: dict[str, NDArray[np.float32]]
) -> Generator[Tensor, None, Tensor]:
    """Find the kernel and say so; until then, y is all there is to show."""
    effort = _common.effort(settings)
    k = yield from shown(search(y, effort=effort), y)
    estimates["kernel"] = _said(k)
    if is_point(k):
        return k
    estimates["found"] = f"a blur of {_said(k)} pixels"
    if min(y.shape[-2:]) >= 4 * SMALLEST and differs(list(quarters(y, k, effort=effort))):
        estimates["found"] = (
            f"{estimates['found']} that differs across the picture, which one kernel cannot undo"
        )
    beside["kernel"] = k.cpu().numpy()
    return k


def differs(kernels: list[Tensor]) -> bool:
    """Whether the kernels of two quarters cannot be the same."""
    return min(likeness(a, b) for i, a in enumerate(kernels) for b in kernels[:i]) < UNALIKE


def check_edges(y: Tensor) -> None:
    """Refuse a picture in which no kernel can be found.

    Raises:
        PictureError: it is too small, or has no edge.
    """
    if min(y.shape[-2:]) < SMALLEST:
        raise PictureError(
            f"the picture has {y.shape[-1]}×{y.shape[-2]} pixels; finding its blur needs {SMALLEST} a side: "
            "give the blur by --psf, --defocus or --motion"
        )
    gray = y.mean(1)
    steepest = max(float(gray.diff(dim=axis).abs().max()) for axis in (1, 2))
    if steepest < EDGES:
        raise PictureError(
            "the picture has no edge from which its blur could be found: give it by --psf, --defocus or --motion"
        )


def _kernel(psf: Any, defocus: float | None, motion: Any) -> Kernel | None:
    """The kernel that was given, or None.

    Raises:
        OptionError: several were, or a value is invalid.
    """
    told = [
        name
        for name, one in zip(("psf", "defocus", "motion"), (psf, defocus, motion), strict=True)
        if one is not None
    ]
    if len(told) > 1:
        raise OptionError(
            f"{' and '.join(told)} are both given: give one of --psf, --defocus and --motion, or none"
        )
    if psf is not None:
        return read_psf(psf) if isinstance(psf, str | Path) else psf_of(psf)
    if defocus is not None:
        if not 0 < defocus <= LARGEST / 2:
            raise OptionError(
                f"defocus {defocus:g} is out of range: give a radius above 0, to {LARGEST / 2:g} pixels"
            )
        return disc(defocus)
    return None if motion is None else _motion(motion)


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


def _check(kernel: Kernel | None, picture: Picture, sigma: float | None) -> None:
    """Refuse a kernel larger than the picture, and a noise level out of range."""
    (height, width), (tall, wide) = picture.size, (1, 1) if kernel is None else kernel.shape
    if tall > height or wide > width:
        raise PictureError(
            f"the kernel has {wide}×{tall} pixels, the picture {width}×{height}: "
            "give a smaller kernel, cropped to where it is not 0"
        )
    if sigma is not None and not 0 <= sigma <= 255:
        raise OptionError(f"sigma {sigma:g} is out of range: give 0 to 255, on the scale of 8 bits")


def _said(kernel: Kernel | Tensor) -> str:
    return f"{kernel.shape[1]}×{kernel.shape[0]}"
