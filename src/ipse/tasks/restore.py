"""Any combination of missing pixels, blur and low resolution, with noise: argmin_θ ‖m ⊙ (D (k ∗ f_θ(z)) − y)‖² + λ TV.

The parts are composed into one operator A. A blurred picture depends on pixels beyond its border: the picture is fitted
as far as the kernel reaches, and its inner part is the result. If there is only blur, it is undone by splitting, and
the network corrects the remaining error; if resolution or whole regions are missing, the network starts from noise.
Some measurements are held out: they decide when to stop, and which of the two estimates is better.

Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior" (2018), https://arxiv.org/abs/1711.10925.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ipse.engine.objectives import HeldOutError, LeastSquares, TotalVariation, hold_out
from ipse.engine.operators import Blur, Compose, Downsample, Identity, Operator
from ipse.engine.operators.inner import Inner
from ipse.engine.problem import Pilot, Problem, Recipe, clipped
from ipse.engine.stopping import HeldOut
from ipse.errors import OptionError
from ipse.noise import Noise, white
from ipse.pictures import Mask, Picture, mask_for, psf_of, read_mask, read_psf
from ipse.pilots.biharmonic import pyramid
from ipse.settings import Settings
from ipse.tasks import _common, _paper
from ipse.tasks._agreeing import agreement, guess_in
from ipse.tasks._gaps import THIN, depth, has_holes
from ipse.tasks._splitting import Measured, estimates
from ipse.tasks.inpaint import Polarity
from ipse.tasks.upscale import Kernel


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset."""

    steps: int  #: number of steps from noise
    correcting: int  #: number of steps from a first estimate
    jitter: float = 0.1  #: σ of the noise on the latent, if it is a first estimate
    held: float = 0.02  #: fraction of the measurements held out for the score
    smoothness: float = 0.002  #: weight of the mean TV, from noise
    smoothness_correcting: float = 1e-4  #: the same, from a first estimate
    smoothness_noise: float = 0.02  #: added to the weight of the mean TV, times σ in [0, 1]


NUMBERS = {"fast": Numbers(250, 30), "good": Numbers(1000, 100), "best": Numbers(3000, 300)}


def restore(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    mask: Annotated[Path | ArrayLike | None, "Mask of the pixels to fill."] = None,
    psf: Annotated[Path | ArrayLike | None, "Blur kernel (PSF): a picture, .npy or .npz."] = None,
    factor: Annotated[int, "Scale factor of each side, 1 to 8."] = 1,
    kernel: Annotated[Kernel, "Kernel it was downsampled with."] = "bicubic",
    polarity: Annotated[Polarity, "Meaning of white in the mask."] = "auto",
    sigma: Annotated[float | None, "Noise level on the scale 0 to 255, if known."] = None,
) -> Problem:
    """Deblur with a known kernel, fill missing pixels and enlarge, all at once.

    The noise level is estimated unless given.

    Raises:
        MaskError: the mask has a different size, or marks no pixel or all of them.
        OptionError: no mask, psf or factor was given, or a value is invalid.
        PictureError: the psf cannot be read.
    """
    _check(mask, psf, factor, sigma)
    y = _common.tensor(picture, settings)
    known, said = _known(mask, picture, polarity)
    point = None if psf is None else _psf(psf, picture, factor)
    there = torch.from_numpy(known)[None, None].to(y.device)
    noise = _noise(y, there, sigma)
    held = hold_out(
        there, fraction=NUMBERS[_common.effort(settings)].held, generator=_common.generator(y, settings)
    )
    operator, inner, size = mixture(y, point, factor, kernel)
    deep = not known.all() and depth(known) > THIN
    free = factor > 1 or deep or settings.latent is not None or settings.network is not None
    measured = Measured(y, operator, there & ~held, size)
    problem = _problem(measured, there, inner, settings, sigma=noise.sigma, free=free)
    guess = guess_in(settings, y)
    if guess is not None and not known.all():
        agreed = agreement(guess, there, settings, operator)
        filled = replace(measured, y=torch.where(there, y, guess), seen=~held)
        pilot = Pilot(partial(estimates, filled, noise.sigma, _common.effort(settings)))
        problem = replace(problem, objective=problem.objective + agreed, pilot=pilot)
    shape = {} if point is None else {"psf": f"{point.shape[1]}×{point.shape[0]}"}
    found = {"noise": noise.said, "sigma": round(255 * noise.sigma, 2), **said, **shape}
    return replace(problem, estimates=found)


def look(picture: Picture, settings: Settings, **options: Any) -> dict[str, object]:
    """Read mask and psf and estimate the noise on the whole picture; tiles get them as arrays and numbers."""
    mask, psf, factor = options.get("mask"), options.get("psf"), options.get("factor", 1)
    _check(mask, psf, factor, options.get("sigma"))
    known, _ = _known(mask, picture, options.get("polarity", "auto"))
    noise = _noise(
        _common.tensor(picture, settings), torch.from_numpy(known)[None, None], options.get("sigma")
    )
    settled: dict[str, object] = {"sigma": 255 * noise.sigma}
    if mask is not None:
        settled |= {"mask": known, "polarity": "settled"}
    if psf is not None:
        settled["psf"] = _psf(psf, picture, factor)
    return options | settled


def coarse(
    shrink: Callable[[Mask], tuple[Picture, NDArray[np.bool_]]], *, mask: Any = None, **_told: Any
) -> tuple[Picture, dict[str, Any]] | None:
    """Fill the downsampled whole picture if there are holes; downsampling averages blur and noise away."""
    known = None if mask is None else Mask(mask, inverted=True, said="")
    if known is None or not has_holes(known):
        return None
    small, there = shrink(known)
    return small, {"mask": there, "polarity": "settled"}


def mixture(
    y: Tensor, psf: NDArray[Any] | None, factor: int, kernel: Any
) -> tuple[Operator, Inner, tuple[int, int]]:
    """Compose A = D ∘ inner ∘ blur for a measurement y (1, C, h, w), leaving out parts that do not apply.

    Returns:
        A, the operator that crops the fitted picture to the result, and the size (H, W) of the fitted picture.
    """
    reach = (1, 1) if psf is None else (psf.shape[0], psf.shape[1])
    inner = Inner.seen_through(reach)
    parts = [Downsample(factor, kernel=kernel)] if factor > 1 else []
    blurs = [] if psf is None else [inner, Blur(torch.from_numpy(psf).float())]
    size = (y.shape[-2] * factor + reach[0] - 1, y.shape[-1] * factor + reach[1] - 1)
    return Compose(*parts, *blurs, Identity()).to(y.device), inner, size


def _problem(
    measured: Measured,
    known: Tensor,
    inner: Inner,
    settings: Settings,
    *,
    sigma: float,
    free: bool,
) -> Problem:
    """The fit of the network, scored on held-out measurements."""
    y, effort = measured.y, _common.effort(settings)
    numbers = NUMBERS[effort]
    held = known & ~measured.seen
    objective = fidelity = LeastSquares(y, measured.operator, weight=measured.seen.float())
    recipe = _common.recipe(settings, Recipe(steps=numbers.steps, average=0.99))
    if settings.preset == "paper":
        paper = _paper.upscale(4)  # the paper has no recipe for this task; use its other one with an operator
        prior, recipe = paper.prior(y, settings, size=measured.size), paper.recipe(settings)
    else:
        least = numbers.smoothness if free else numbers.smoothness_correcting
        objective = objective + (least + numbers.smoothness_noise * sigma) * TotalVariation()
        prior = _common.free_prior(y, settings, size=measured.size) if free else None
    if prior is None:
        canvas = y.new_zeros(1, y.shape[1], *measured.size)
        prior = _common.guided_prior(canvas, settings, jitter=numbers.jitter)
        recipe = _common.recipe(settings, Recipe(numbers.correcting, learning_rate=0.003, average=0.95))
    return Problem(
        prior=prior,
        objective=objective,
        recipe=recipe,
        rule=_common.rule(settings, HeldOut, sigma=sigma, fidelity=fidelity),
        score=HeldOutError(y, held, measured.operator) if held.any() else None,
        pilot=Pilot(lambda: estimates(measured, sigma, effort)),
        outputs=lambda x: clipped(inner(x)),
    )


def _check(mask: Any, psf: Any, factor: int, sigma: float | None) -> None:
    """Check the options that can be checked without reading files."""
    if factor != int(factor) or not 1 <= factor <= 8:
        raise OptionError(f"factor {factor} cannot be used: give a whole number from 1 to 8")
    if mask is None and psf is None and factor == 1:
        raise OptionError(
            "there is nothing to undo: give --mask, --psf or --factor (for noise alone use denoise)"
        )
    if sigma is not None and not 0 <= sigma <= 255:
        raise OptionError(f"sigma {sigma:g} is out of range: give 0 to 255, on the scale of 8 bits")


def _known(mask: Any, picture: Picture, polarity: Any) -> tuple[NDArray[Any], dict[str, object]]:
    """The known pixels (H, W), and estimates that describe the mask."""
    if mask is None:
        return np.ones(picture.size, np.bool_), {}
    if polarity == "settled":  # ``look`` has read it: an array of known pixels, of which a tile may have all
        return np.asarray(mask, np.bool_), {}
    if isinstance(mask, str | Path):
        found = read_mask(mask, picture, polarity=polarity)
    else:
        found = mask_for(mask, picture, polarity=polarity)
    return found.known, {"mask": found.said, "missing": round(found.share, 4)}


def _psf(psf: Any, picture: Picture, factor: int) -> NDArray[Any]:
    """The blur kernel (K, L); it must not be larger than the picture."""
    found = read_psf(psf) if isinstance(psf, str | Path) else psf_of(psf)
    (height, width), (high, wide) = picture.size, found.shape
    if high > height * factor or wide > width * factor:
        raise OptionError(
            f"the psf has {wide}×{high} pixels, the picture {width * factor}×{height * factor}; "
            "expected a smaller psf: crop it to where it is not 0"
        )
    return found


def _noise(y: Tensor, known: Tensor, sigma: float | None) -> Noise:
    """The given noise level, or an estimate from the known pixels."""
    level = white(pyramid(y, known.to(y.device))) if sigma is None else sigma / 255
    return Noise("gaussian" if level else "none", level)
