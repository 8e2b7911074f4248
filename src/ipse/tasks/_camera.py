"""Noise of cameras, scanners and resized files: correlated, with a level that depends on brightness.

    T y = T x + n′,   n′ stationary:     x* = T⁻¹ D(T y), shifted to the median of y

To tell noise from the texture of a picture without flat parts, a crop is denoised first: the residual of noise is
even, that of texture is not.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Pilot, Problem
from ipse.noise.measured import Measured, measure
from ipse.noise.residual import unevenness
from ipse.noise.squares import squares
from ipse.pilots._steps import millions
from ipse.pilots.median_centred import median_centred
from ipse.pilots.non_local_means import COST as MEANS
from ipse.pilots.non_local_means import non_local_means
from ipse.pilots.stationary import stationary, stationary_cost, stationary_steps
from ipse.settings import Settings
from ipse.tasks import _common

PIECE = 256  # side of the crop that is tried first, in pixels
ENDS = (slice(0, PIECE), slice(-PIECE, None))  # first and last pixels of a side
#: Largest unevenness of a residual that counts as noise. SIDD (2 pictures) and CC15 (15) have 0.2 to 0.52, and of 71
#: photographs of scikit-image, Set5, Kodak, McMaster and BSD68, three have less than 0.53; docs/decisions/enhance.md
EVEN = 0.53
DOUBT = (0.43, 0.62)  # unevenness of the middle between which the corners are tried as well
# Smallest energy of the quietest blocks of a noisy picture, relative to the noise. Chosen on the same pictures.
FLOOR = 0.42
# Range of noise levels in the loudest channel. Less is hardly visible: chelsea and kodim09, which are clean, have 2.2
# and 2.8 of 255, PolyU's pictures 3.0 and more. More leaves too little of the picture to measure the noise.
VISIBLE = (2.9 / 255, 0.3)
# Range of correlations of neighbouring pixels: less is white noise, more is a blurred picture.
CORRELATED = (0.35, 0.9)
# The smallest one in a JPEG, which correlates white noise: kodim22 with σ = 10 at quality 85 has 0.42 to 0.56,
# and PolyU's pictures have 0.72 and more.
COMPRESSED = 0.65


def noise_of(y: Tensor, *, jpeg: bool = False) -> Measured | None:
    """Measure the correlated noise of a picture (1, C, H, W) in [0, 1]; None if it cannot be told with certainty.

    Args:
        y: the picture.
        jpeg: whether it was compressed, which correlates white noise.
    """
    if min(y.shape[-2:]) < PIECE:  # of 48 clean crops of 160² the trial took 14 for noisy, of 33 of 256² five
        return None
    measured = measure(squares(y)[0])
    if measured is None or measured.floor < FLOOR:
        return None
    if not VISIBLE[0] <= max(measured.sigma) <= VISIBLE[1]:
        return None
    if not (COMPRESSED if jpeg else CORRELATED[0]) <= measured.correlation <= CORRELATED[1]:
        return None
    return measured if trial(y, measured) <= EVEN else None


def trial(y: Tensor, measured: Measured) -> float:
    """The unevenness of the residual after denoising the middle; in doubt, the median of the middle and the corners."""
    found = _unevenness(middle(y)[0], measured)
    if not DOUBT[0] < found < DOUBT[1] or max(y.shape[-2:]) < 1.5 * PIECE:
        return found
    corners = [y[0, :, rows, columns] for rows, columns in product(ENDS, repeat=2)]
    return float(np.median([found, *(_unevenness(corner, measured) for corner in corners)]))


def _unevenness(piece: Tensor, measured: Measured) -> float:
    """The unevenness of the residual after denoising a piece (C, h, w)."""
    noisy = measured.stabilised(piece)
    clean = stationary(noisy[None], measured.covariance, preset="fast")[0]
    return unevenness(noisy - clean, clipped=(piece <= 0) | (piece >= 1))


def middle(y: Tensor) -> Tensor:
    """The middle of a picture (1, C, H, W), up to ``PIECE`` pixels a side."""
    top, left = (max(0, (side - PIECE) // 2) for side in y.shape[-2:])
    return y[..., top : top + PIECE, left : left + PIECE]


def problem(y: Tensor, measured: Measured, settings: Settings, estimates: dict[str, object]) -> Problem:
    """The problem of removing measured noise from a picture (1, C, H, W)."""
    more = 0.4  # with several seeds, each run adds noise of this fraction of the level

    def perturbed(seed: int) -> Iterator[Tensor]:
        level = more * sum(measured.sigma) / len(measured.sigma)
        return estimates_of(_common.noisier(y, level, seed), measured, settings)

    work = MEANS * millions(y) + stationary_cost(_common.effort(settings), y)
    return Problem(
        prior=None,
        objective=LeastSquares(y),
        recipe=_common.alone(),
        pilot=Pilot(lambda: estimates_of(y, measured, settings), perturbed, work=work),
        estimates=estimates,
    )


def estimates_of(y: Tensor, measured: Measured, settings: Settings) -> Iterator[Tensor]:
    """Yield non-local means first, then each step of each octave."""
    yield non_local_means(y, max(measured.sigma))
    noisy = measured.stabilised(y[0])[None]
    x = y
    for found in stationary_steps(noisy, measured.covariance, preset=_common.effort(settings)):
        x = measured.restored(found[0])[None]
        yield x
    yield median_centred(y, x)


def levels(measured: Measured) -> list[float]:
    """The noise level of each channel, on the scale 0 to 255."""
    return [round(255 * sigma, 2) for sigma in measured.sigma]


def said(measured: Measured) -> str:
    """Describe the noise in one sentence for the user."""
    low, high = min(levels(measured)), max(levels(measured))
    spread = f"σ = {low:.1f}" if low == high else f"σ = {low:.1f} to {high:.1f}"
    return f"camera noise, correlated from pixel to pixel ({measured.correlation:.2f}), {spread} of 255"
