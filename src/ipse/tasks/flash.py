"""Flash-guided denoising: argmin_θ ‖f_θ(flash) − y‖² + λ TV(f_θ(flash)), with y the photo without flash.

The flash photo is the latent, so the network first learns the light of y with the edges of the flash photo; the noise
of y, which is not in the flash photo, comes last. The part of the light that the fit has not yet reproduced when it
stops is added by a guided filter of y − f_θ(flash), so that the colours are those of y.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925. The first estimate is the
guided filter: He, Sun, Tang, "Guided Image Filtering", 2013, https://doi.org/10.1109/TPAMI.2012.213.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from ipse.engine.latents import canvas
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.prior import Prior
from ipse.engine.problem import Pilot, Problem, Recipe, clipped
from ipse.engine.stopping import Last
from ipse.errors import OptionError, PictureError
from ipse.pictures import Picture, read
from ipse.settings import Settings
from ipse.tasks import _common, _paper


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset."""

    steps: int  #: number of steps
    smoothness: float = 0.002  #: weight of the mean TV


NUMBERS = {"fast": Numbers(40), "good": Numbers(120), "best": Numbers(500)}
CLOSE = 0.03  # largest relative difference of the two photos' sizes
RADIUS, FLAT = 8, 1e-3  # guided filter: radius in pixels, and regularisation (variance of the flash photo)


def flash(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    flash: Annotated[Path | ArrayLike, "The same scene with flash.", "argument"],
) -> Problem:
    """Denoise a photo taken without flash, guided by one with flash; the lighting stays that of the first.

    Photos whose sizes differ by a few pixels are aligned; otherwise the camera must not have moved.

    Raises:
        OptionError: a latent was given, but the flash photo is the latent.
        PictureError: the flash photo cannot be read, or has a different size.
    """
    if settings.latent is not None:
        raise OptionError(f"latent {settings.latent!r} cannot be used: the flash photo is the latent")
    guide, said = _guide(flash, picture)
    y, z = _common.tensor(picture, settings), _common.tensor(guide, settings)
    paper = _paper.flash() if settings.preset == "paper" else None
    numbers = NUMBERS[_common.effort(settings)]
    recipe = Recipe(steps=numbers.steps, learning_rate=0.01, average=0.98)
    fidelity = LeastSquares(y)
    return Problem(
        prior=paper.prior(y, settings, guide=z) if paper else _prior(z, y, settings),
        objective=fidelity if paper else fidelity + numbers.smoothness * TotalVariation(),
        recipe=paper.recipe(settings) if paper else _common.recipe(settings, recipe),
        rule=_common.rule(settings, Last),
        pilot=None if paper else Pilot(lambda: iter([guided_filter(y, z)])),
        outputs=clipped if paper else lambda x: clipped(x + guided_filter(y - x, z)),
        estimates={"flash": said},
    )


def look(picture: Picture, _settings: Settings, *, flash: Any) -> dict[str, object]:
    """Align the flash photo with the whole picture; each tile gets its part of it."""
    return {"flash": np.moveaxis(_guide(flash, picture)[0].pixels, 0, -1)}


def _prior(z: Tensor, y: Tensor, settings: Settings) -> Prior:
    """The network of the settings, with the flash photo as its latent."""
    size = (y.shape[-2], y.shape[-1])
    fold = {"fold": True} if settings.network in (None, "fast") else {}
    network = _common.build(settings, z.shape[1], y.shape[1], sigmoid=True, **fold).to(y.device)
    step = int(getattr(network, "latent_stride", 1))
    return Prior(network, canvas(z, size, step=step), size=size, seed=settings.seed)


def _guide(flash: Any, picture: Picture) -> tuple[Picture, str]:
    """The flash photo, aligned to the picture's size, and a description of the alignment."""
    named = isinstance(flash, str | Path)
    found = read(flash) if named else Picture.from_array(flash, name="the flash photo")
    (height, width), (high, wide) = picture.size, found.size
    if found.size == picture.size:
        return found, "of the same size"
    if abs(high - height) > CLOSE * height or abs(wide - width) > CLOSE * width:
        raise PictureError(
            f"{found.name}: the flash photo has {wide}×{high} pixels, the one without {width}×{height}; "
            "expected the same size; crop both to the same scene"
        )
    place = aligned(found.pixels.mean(0), picture.pixels.mean(0))
    moved = replace(found, samples=found.samples[place], alpha=None, jpeg=None)
    return moved, f"{wide}×{high} pixels, aligned to {width}×{height}"


def aligned(flash: NDArray[Any], plain: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rows and columns of ``flash`` (h, w) that correspond to those of ``plain`` (H, W), by correlating edges.

    Rows and columns outside of ``flash`` repeat its border.
    """
    room = [max(a, b) * 2 for a, b in zip(flash.shape, plain.shape, strict=True)]
    edges = [
        np.hypot(np.gradient(plane, axis=0), np.gradient(plane, axis=1))
        for plane in (np.asarray(flash, np.float64), np.asarray(plain, np.float64))
    ]
    spectra = [np.fft.rfft2(plane - plane.mean(), s=room) for plane in edges]
    likeness = np.fft.irfft2(spectra[0] * spectra[1].conj(), s=room)
    reach = [int(abs(a - b) + 2) for a, b in zip(flash.shape, plain.shape, strict=True)]
    shifts = [np.arange(-far, far + 1) for far in reach]
    best = np.unravel_index(np.argmax(likeness[np.ix_(*shifts)]), [len(one) for one in shifts])
    rows, columns = (
        np.clip(np.arange(length) + shift[at], 0, most - 1)
        for length, shift, at, most in zip(plain.shape, shifts, best, flash.shape, strict=True)
    )
    return rows[:, None], columns[None]


def guided_filter(y: Tensor, guide: Tensor) -> Tensor:
    """Guided filter of y (1, C, H, W): the result is locally linear in the mean channel of the guide."""

    def mean(x: Tensor) -> Tensor:
        reach = (RADIUS, RADIUS, RADIUS, RADIUS)
        return avg_pool2d(pad(x, reach, mode="replicate"), 2 * RADIUS + 1, 1)

    g = guide.mean(1, keepdim=True)
    centre = mean(g)
    slope = (mean(g * y) - centre * mean(y)) / (mean(g * g) - centre * centre + FLAT)
    return mean(slope) * g + mean(mean(y) - slope * centre)
