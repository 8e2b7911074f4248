"""Inpainting: fill the pixels that a mask marks; all other pixels stay bit-exact.

Scattered pixels and thin scratches are filled by plug-and-play, which alternates non-local denoising with the known
pixels and is hard to beat there (measured: docs/decisions/inpainting.md). Holes, for which similar patches are missing,
are filled by the network,

    argmin_θ ‖m ⊙ (f_θ(z) − y)‖²,     z the pixel coordinates, as published: regions without data become smooth.

Its result is mixed with the smooth fill, weighted by how well each predicts held-out squares, and blended into the rim
of the hole by a smooth correction. A tile of a larger picture has the additional term λ ‖(1 − m) ⊙ S (f_θ(z) − g)‖²,
which draws it towards a fill g of the downsampled whole picture (S is the mean over cells).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from ipse.engine.objectives import HeldOutError, LeastSquares, hold_out_blocks
from ipse.engine.problem import Nothing, Pilot, Problem, Recipe
from ipse.engine.stopping import HeldOut, Last
from ipse.errors import OptionError
from ipse.pictures import Known, Mask, Picture, mask_for, read_mask
from ipse.pictures.large import Source
from ipse.pictures.large.mask import known_in
from ipse.pilots.biharmonic import biharmonic, pyramid
from ipse.pilots.non_local_fill import fill_cost, non_local_fill
from ipse.settings import Settings, Within
from ipse.tasks import _common, _paper
from ipse.tasks._agreeing import agreement, cells, guess_in
from ipse.tasks._gaps import THIN, depth, has_holes, thin
from ipse.tasks._paper import Paper
from ipse.tasks._steadied import steadied
from ipse.tasks._unmasked import IN_PARTS, check, unmasked

Find = Literal["scratches", "dust"]
Polarity = Literal["auto", "white-is-hole", "white-is-known"]

BESIDE = ("mask",)  # what is written beside the result, if it was found


@dataclass(frozen=True)
class Numbers:
    """The numbers of a preset, chosen in docs/decisions/inpainting.md."""

    steps: int  #: number of steps, where a network is fitted
    average: float = 0.99  #: factor of the moving average of outputs
    held: float = (
        0.03  #: fraction of the known pixels held out for the score, in squares as deep as the holes
    )
    side: int = 32  #: largest side of a held-out square, in pixels
    tolerance: float = (
        0.3  #: a later step is preferred if its score exceeds the smallest by at most this fraction
    )
    floor: float = (
        1.5  #: factor by which the smooth fill must be better, since squares are easier to fill than holes
    )


NUMBERS: dict[str, Numbers] = {"fast": Numbers(150), "good": Numbers(500), "best": Numbers(2000)}
LESS = 0.04  # with several seeds, each run leaves out this fraction of the known pixels


def inpaint(
    picture: Picture,
    settings: Settings = Settings(),
    *,
    mask: Annotated[Path | ArrayLike | None, "Mask of the pixels to fill."] = None,
    find: Annotated[
        Find | None, "Without a mask: find scratches (and hairs), or dust, and fill them."
    ] = None,
    polarity: Annotated[Polarity, "Meaning of white in the mask."] = "auto",
) -> Problem | Nothing:
    """Fill the pixels marked by ``mask``, or the damage that is found in the picture.

    Raises:
        MaskError: the mask has a different size, or marks no pixel or all of them.
        OptionError: neither a mask nor what to find was given, or both were.
    """
    found = _read(picture, mask, find, polarity)
    if isinstance(found, Nothing):
        return found
    if found.known.all():
        return Nothing("nothing to restore: no pixel is missing here", keep=found.known)
    y = _common.tensor(picture, settings)
    known = torch.from_numpy(found.known)[None, None].to(y.device)
    deepest = depth(found.known)
    problem = _posed(y, known, settings, share=found.share, deepest=deepest)
    proposed = {"mask": (~found.known).astype(np.float32)} if mask is None else {}
    estimates = found.estimates | {"depth": deepest}
    return replace(problem, keep=found.known, estimates=estimates, beside=proposed)


def _posed(y: Tensor, known: Tensor, settings: Settings, *, share: float, deepest: int) -> Problem:
    """Choose the method by the depth of the gaps. A tile that has a guess belongs to a picture with holes."""
    guess = _guess(y, known, settings)
    seen, filled = (y, False) if guess is None else (guess, True)
    if settings.preset == "paper":
        problem = _published(y, known, settings, _paper.inpaint(share, deepest))
    elif deepest > (THIN if filled else thin(share)):
        told = replace(settings, latent=settings.latent or "meshgrid")
        side = min(NUMBERS[settings.preset].side, deepest)
        problem = steadied(_holes(seen, known, told, side=side, filled=filled), depth=side)
    elif settings.latent is not None or settings.network is not None:
        problem = _holes(seen, known, settings, side=max(4, deepest), filled=filled)
    else:
        return _scattered(y, known, settings)
    return problem if guess is None else _agreeing(problem, guess, known, settings)


def look(
    picture: Picture, _settings: Settings, *, mask: Any = None, find: Any = None, polarity: Any = "auto"
) -> dict[str, object] | Nothing:
    """Read or find the mask of the whole picture; each tile gets its part of it."""
    found = mask if polarity == "settled" else _read(picture, mask, find, polarity)
    return found if isinstance(found, Nothing) else {"mask": found, "find": find, "polarity": "settled"}


def laid(source: Source, *, mask: Path | None, find: Any = None, polarity: Any = "auto") -> dict[str, object]:
    """Like ``look``, for a picture and a mask that are read window by window."""
    check(mask, find)
    if mask is None:
        raise OptionError(IN_PARTS)
    return {"mask": known_in(mask, source, polarity=polarity), "polarity": "settled"}


def coarse(
    shrink: Callable[[Mask | Known], tuple[Picture, NDArray[np.bool_]]],
    *,
    mask: Mask | Known,
    polarity: str,
    find: Any = None,  # noqa: ARG001 - the mask is there already
) -> tuple[Picture, dict[str, Any]] | None:
    """Fill the downsampled whole picture if there are holes, because a tile may see only part of a hole."""
    if not has_holes(mask):
        return None
    small, known = shrink(mask)
    return small, {"mask": known, "polarity": polarity}


def _read(picture: Picture, mask: Any, find: Any, polarity: Any) -> Mask | Nothing:
    """Read the mask from a file or an array, or find it in the picture."""
    if polarity == "settled":  # ``look`` has read it: an array of known pixels, of which a tile may have all
        return Mask(mask, inverted=True, said="the mask of the whole picture")
    check(mask, find)
    if mask is None:
        return unmasked(picture, find)
    if isinstance(mask, str | Path):
        return read_mask(mask, picture, polarity=polarity)
    return mask_for(mask, picture, polarity=polarity)


def _published(y: Tensor, known: Tensor, settings: Settings, paper: Paper) -> Problem:
    """The reference's fit."""
    return Problem(
        prior=paper.prior(y, settings),
        objective=LeastSquares(y, weight=known.float()),
        recipe=paper.recipe(settings),
        rule=_common.rule(settings, Last),
        outputs=_joined(y, known),
    )


def _scattered(y: Tensor, known: Tensor, settings: Settings) -> Problem:
    """The problem without a fit: the non-local fill is the result."""

    def fill(seen: Tensor, seed: int) -> Iterator[Tensor]:
        return non_local_fill(y, seen, preset=_common.effort(settings), seed=seed)

    return Problem(
        prior=None,
        objective=LeastSquares(y, weight=known.float()),
        recipe=_common.alone(),
        pilot=Pilot(
            lambda: fill(known, settings.seed),
            perturbed=lambda seed: fill(_fewer(known, seed), seed),
            work=fill_cost(y, _common.effort(settings)),
        ),
        outputs=lambda x: torch.where(known, y, x),
    )


def _fewer(known: Tensor, seed: int) -> Tensor:
    """Leave out a random part of the known pixels, but never all of them."""
    draw = torch.Generator().manual_seed(seed)
    fewer = known & (torch.rand(known.shape, generator=draw) >= LESS).to(known.device)
    return fewer if bool(fewer.any()) else known


def _guess(y: Tensor, known: Tensor, settings: Settings) -> Tensor | None:
    """This tile's part of the coarse fill, blended with its known pixels; None if there are no tiles."""
    guess = guess_in(settings, y)
    return None if guess is None else _joined(y, known)(guess)


def _agreeing(problem: Problem, guess: Tensor, known: Tensor, settings: Settings) -> Problem:
    """The problem of a tile, whose averages over the cells of the downsampled picture follow the coarse fill.

    In holes, the fit is drawn towards these averages and any remaining difference is added, so that neighbouring tiles
    differ only in detail.
    """
    assert isinstance(settings, Within)
    mean, step = cells(settings), float(settings.grain)

    def outputs(x: Tensor) -> Tensor:
        short = interpolate(mean(guess - x), scale_factor=step, mode="bilinear")
        return joined(x + short[..., : x.shape[-2], : x.shape[-1]])

    joined, agreed = problem.outputs, agreement(guess, known, settings)
    return replace(problem, objective=problem.objective + agreed, outputs=outputs)


def _holes(y: Tensor, known: Tensor, settings: Settings, *, side: int, filled: bool = False) -> Problem:
    """The fit of the network, scored on held-out squares of ``side`` pixels; ``filled`` if holes of y are filled."""
    numbers = NUMBERS[settings.preset]
    held = hold_out_blocks(known, side=side, fraction=numbers.held, generator=_common.generator(y, settings))
    seen = known & ~held
    drawn = ~held if filled else seen
    return Problem(
        prior=_common.free_prior(y, settings, scales=5),
        objective=LeastSquares(y, weight=seen.float()),
        recipe=_common.recipe(settings, Recipe(steps=numbers.steps, average=numbers.average)),
        rule=_common.rule(settings, lambda: HeldOut(tolerance=numbers.tolerance)),
        score=HeldOutError(y, held) if held.any() else None,
        pilot=Pilot(lambda: iter([biharmonic(y, drawn)]), floor=numbers.floor),
        outputs=_joined(y, known),
    )


def _joined(y: Tensor, known: Tensor) -> Callable[[Tensor], Tensor]:
    """x ↦ y at known pixels and x elsewhere, plus the mismatch at the rim, continued smoothly into the hole."""

    def outputs(x: Tensor) -> Tensor:
        rim = pyramid(torch.where(known, y - x, 0.0), known)
        return torch.where(known, y, (x + rim).clamp(0, 1))

    return outputs
