"""What the tasks of the paper's figures reach on the paper's pictures: noise, colours, classes, PSNR, seconds.

    python scripts/figures.py DIR [flash invert maximise down] [--model M --weights FILE --layers L,L]

DIR holds flash_no_flash/ and feature_inversion/ of the published notebooks' data. Every line is one run of the preset
``good``; seconds are the clock's and the processor's.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio
from torch.nn.functional import pad

import ipse
from ipse import models
from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares, TotalVariation
from ipse.engine.operators import Downsample, LearntDownsample
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe
from ipse.pictures import read

LAYERS = "head,block12,block8,block4,block2,block0"  # from deep to shallow
CLASSES = ("espresso", "black swan", "cheeseburger")
BLOCK, FLAT = 8, 0.1  # pixels a side; the share of the blocks that counts as flat


def flash(told: argparse.Namespace) -> None:
    """Noise and colours of the dark photo, before and after."""
    dark, bright = (
        told.folder / "flash_no_flash" / f"cave01_{name}.jpg" for name in ("01_noflash", "00_flash")
    )
    result, seconds = timed(lambda: ipse.flash(dark, flash=bright))
    before, after = (np.moveaxis(p.pixels, 0, -1) for p in (read(dark), result.picture))
    places = flat(before)
    fine = roughness(before, places) / roughness(after, places)
    smooth = [gaussian_filter(x, (2, 2, 0)) for x in (before, after)]
    coarse = roughness(smooth[0], places) / roughness(smooth[1], places)
    means = after.mean((0, 1)) / before.mean((0, 1)) - 1
    colours = ", ".join(f"{100 * one:+.2f} %" for one in means)
    print(f"flash: variance falls {fine:.0f}×, of what a Gaussian of 2 pixels leaves {coarse:.0f}×; ", end="")
    print(f"means of red, green, blue {colours}; {seconds}")


def flat(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Which blocks of x (H, W, C) are flat: where it has least slope, once its noise is smoothed away."""
    slope = blocks(gaussian_gradient_magnitude(x.mean(2), BLOCK)[..., None]).mean((1, 2))
    return slope <= np.quantile(slope, FLAT)


def blocks(x: NDArray[Any]) -> NDArray[Any]:
    """x (H, W, C) as (blocks, pixels, C)."""
    high, wide = (length // BLOCK for length in x.shape[:2])
    whole = x[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK, -1)
    return whole.swapaxes(1, 2).reshape(high * wide, BLOCK * BLOCK, -1)


def roughness(x: NDArray[Any], places: NDArray[np.bool_]) -> float:
    """Mean variance about a plane, of the blocks at ``places``."""
    row, column = np.indices((BLOCK, BLOCK)).reshape(2, -1)
    plane = np.stack([np.ones_like(row), row, column], axis=1) / 1.0
    rest = np.eye(len(plane)) - plane @ np.linalg.pinv(plane)
    return float(np.mean((rest @ blocks(x)[places].astype(np.float64)) ** 2))


def invert(told: argparse.Namespace) -> None:
    """What the model says of each inverted picture, and how near it is to what was inverted."""
    chosen = {"model": told.model, "weights": told.weights}
    model, path = (
        models.load(told.model, weights=told.weights),
        told.folder / "feature_inversion" / "building.jpg",
    )
    y = model.resized(torch.from_numpy(read(path).pixels)[None])
    print(f"invert building.jpg: {said(model, y)}")
    for layer in told.layers.split(","):
        result, seconds = timed(lambda layer=layer: ipse.invert(path, layer=layer, **chosen))
        x = torch.from_numpy(result.picture.pixels)[None]
        psnr = peak_signal_noise_ratio(y.numpy(), x.numpy(), data_range=1)
        print(f"  {layer}: {said(model, x)}; {psnr:.1f} dB; {seconds}", flush=True)


def maximise(told: argparse.Namespace) -> None:
    """What the model says of the pictures that were drawn to excite a class."""
    chosen = {"model": told.model, "weights": told.weights}
    model = models.load(told.model, weights=told.weights)
    for name in CLASSES:
        result, seconds = timed(lambda name=name: ipse.maximise(name, **chosen))
        x = torch.from_numpy(result.picture.pixels)[None]
        print(f"maximise {name}: {said(model, x)}; {seconds}", flush=True)


def down(_: argparse.Namespace) -> None:
    """What a learnt down-sampler is worth: from a small picture alone, and with half of the picture known."""
    sharp = torch.from_numpy(astronaut()[60:156, 170:266] / 255).float().movedim(2, 0)[None]
    half = (torch.arange(sharp.shape[-1]) < sharp.shape[-1] // 2).float()[None, None, None]
    for true in ("box", "gauss1sq2"):
        small = Downsample(2, kernel=true)(sharp)
        for name, held in (("alone", 0.0 * half), ("left half known", half)):
            for learn in (False, True):
                x, found = down_fitted(small, sharp, held, learn=learn)
                psnr = -10 * float((x - sharp)[..., half[0, 0, 0] == 0].square().mean().log10())
                away = distance(found, Downsample(2, kernel=true).kernel)
                said = "learnt" if learn else "Lanczos"
                print(f"down {true}, {name}: {said} {psnr:.2f} dB, kernel {away:.2f} away", flush=True)


def down_fitted(
    small: torch.Tensor, sharp: torch.Tensor, held: torch.Tensor, *, learn: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The picture and the kernel that fit a small picture, and the part of the sharp one that is held."""
    operator = LearntDownsample(2)
    size = (sharp.shape[-2], sharp.shape[-1])
    with seeded(0):
        network, z = build("fast", 32, 3), torch.randn(1, 32, size[0] // 2, size[1] // 2)
    objective = 10 * LeastSquares(small, operator) + 5 * LeastSquares(sharp, weight=held)
    recipe = Recipe(400, average=0.97)
    prior, learnt = Prior(network, z, size=size), operator if learn else None
    *_, last = Fit(Problem(prior, objective + 0.002 * TotalVariation(), recipe, learnt=learnt))
    return last.average.clamp(0, 1), operator.kernel.detach()


def distance(found: torch.Tensor, true: torch.Tensor) -> float:
    """‖k − k*‖ / ‖k*‖, the smaller kernel surrounded by zeros."""
    side = max(len(found), len(true))
    wide = [pad(k.double(), (((side - len(k)) // 2, -((len(k) - side) // 2)) * 2)) for k in (found, true)]
    return float((wide[0] - wide[1]).norm() / wide[1].norm())


def said(model: models.Model, x: torch.Tensor) -> str:
    """The first class, and its probability."""
    scores = model.scores(x)[0]
    first = int(scores.argmax())
    return f"{model.classes[first].split(',')[0]} {float(scores[first]):.3f}"


def timed(work: Callable[[], Any]) -> tuple[Any, str]:
    """What ``work`` returns, and what it took."""
    clock, processor = time.perf_counter(), time.process_time()
    made = work()
    took = time.perf_counter() - clock, time.process_time() - processor
    return made, f"{took[0]:.0f} s, {took[1]:.0f} of the processor"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was named, or all."""
    works = {one.__name__: one for one in (flash, invert, maximise, down)}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("works", nargs="*", choices=[*works, []], default=[])
    parser.add_argument("--model")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--layers", default=LAYERS)
    told = parser.parse_args(arguments)
    for name in told.works or works:
        works[name](told)


if __name__ == "__main__":
    main()
