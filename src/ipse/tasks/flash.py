"""A dark photo made clean by one with flash: argmin_θ ‖f_θ(flash) − y‖² + λ TV(f_θ(flash)), y without flash.

The network draws the light of y with the edges of the flash photo, which is its latent: what it can draw first is what
the flash photo knows, and the noise of y, which that does not have, comes last. What light the fit has not yet taken
from y at that point is put back by the guided filter of y − f_θ(flash), so that the colours are those of y.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925. The first estimate is the
guided filter: He, Sun, Tang, "Guided Image Filtering", 2013, https://doi.org/10.1109/TPAMI.2012.213.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipse.errors import OptionError, PictureError
from ipse.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.engine.prior import Prior
    from ipse.engine.problem import Problem
    from ipse.pictures import Picture

STEPS = {"fast": 40, "good": 120, "best": 500}
SMOOTHNESS = 0.002  # of TV, per pixel
CLOSE = 0.03  # of a side: sizes that differ by more are not of one scene
RADIUS, FLAT = 8, 1e-3  # of the guided filter: pixels, and the variance of flash below which it averages


def flash(
    picture: "Picture",
    settings: Settings = Settings(),
    *,
    flash: Annotated[Path | ArrayLike, "The same scene with flash.", "argument"],
) -> "Problem":
    """Take the noise out of a photo without flash by one with flash; its light stays.

    Sizes that differ by a few pixels are aligned; the camera must not have moved otherwise.

    Raises:
        OptionError: a latent was told: the flash photo is the latent.
        PictureError: the flash photo cannot be read, or has another size.
    """
    from ipse.engine.objectives import LeastSquares, TotalVariation
    from ipse.engine.problem import Problem, Recipe, clipped
    from ipse.engine.stopping import Last
    from ipse.tasks import _common, _paper

    if settings.latent is not None:
        raise OptionError(f"latent {settings.latent!r} cannot be used: the flash photo is the latent")
    guide, said = _guide(flash, picture)
    y, z = _common.tensor(picture, settings), _common.tensor(guide, settings)
    paper = _paper.flash() if settings.preset == "paper" else None
    recipe = Recipe(steps=STEPS[_common.effort(settings)], learning_rate=0.01, average=0.98)
    fidelity = LeastSquares(y)
    return Problem(
        prior=paper.prior(y, settings, guide=z) if paper else _prior(z, y, settings),
        objective=fidelity if paper else fidelity + SMOOTHNESS * TotalVariation(),
        recipe=paper.recipe(settings) if paper else _common.recipe(settings, recipe),
        rule=_common.rule(settings, Last),
        pilot=None if paper else lambda: iter([guided_filter(y, z)]),
        outputs=clipped if paper else lambda x: clipped(x + guided_filter(y - x, z)),
        estimates={"flash": said},
    )


def look(picture: "Picture", _settings: Settings, *, flash: Any) -> dict[str, object]:
    """Align the flash photo with the whole picture; the tiles get their part of it."""
    return {"flash": np.moveaxis(_guide(flash, picture)[0].pixels, 0, -1)}


def _prior(z: "Tensor", y: "Tensor", settings: Settings) -> "Prior":
    """The network of the settings from the flash photo to the light of y."""
    from ipse.engine.latents import canvas
    from ipse.engine.prior import Prior
    from ipse.tasks import _common

    size = (y.shape[-2], y.shape[-1])
    fold = {"fold": True} if settings.network in (None, "fast") else {}
    network = _common.build(settings, z.shape[1], y.shape[1], sigmoid=True, **fold).to(y.device)
    step = int(getattr(network, "latent_stride", 1))
    return Prior(network, canvas(z, size, step=step), size=size, seed=settings.seed)


def _guide(flash: Any, picture: "Picture") -> tuple["Picture", str]:
    """The flash photo at the picture's size, and how it came to it."""
    from ipse.pictures import Picture, read

    named = isinstance(flash, str | Path)
    found = read(flash) if named else Picture.from_array(flash, name="the flash photo")
    (height, width), (high, wide) = picture.size, found.size
    if found.size == picture.size:
        return found, "of the same size"
    if abs(high - height) > CLOSE * height or abs(wide - width) > CLOSE * width:
        raise PictureError(
            f"{found.name}: the flash photo has {wide}×{high} pixels, the one without {width}×{height}; "
            "expected the same; cut both to the same scene"
        )
    place = aligned(found.pixels.mean(0), picture.pixels.mean(0))
    moved = replace(found, samples=found.samples[place], alpha=None, jpeg=None)
    return moved, f"{wide}×{high} pixels, aligned to {width}×{height}"


def aligned(flash: NDArray[Any], plain: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where in ``flash`` (h, w) each row and column of ``plain`` (H, W) lies, by correlating their edges.

    Rows and columns beyond the border repeat it.
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


def guided_filter(y: "Tensor", guide: "Tensor") -> "Tensor":
    """Smooth y (1, C, H, W) but at the edges of a guide: in every window it is linear in the guide's mean channel."""
    from torch.nn.functional import avg_pool2d, pad

    def mean(x: "Tensor") -> "Tensor":
        reach = (RADIUS, RADIUS, RADIUS, RADIUS)
        return avg_pool2d(pad(x, reach, mode="replicate"), 2 * RADIUS + 1, 1)

    g = guide.mean(1, keepdim=True)
    centre = mean(g)
    slope = (mean(g * y) - centre * mean(y)) / (mean(g * g) - centre * centre + FLAT)
    return mean(slope) * g + mean(mean(y) - slope * centre)
