"""Noise as a camera, a scanner or a resized file has it: of any level over brightness, of any correlation.

    T y = T x + n′,   n′ stationary:     x* = T⁻¹ D(T y), moved to the median of y

Whether what was measured is noise, or the texture of a picture that has no flat parts, is tried on a piece: what D
takes out of noise is even, what it takes out of texture is not.
"""

from collections.abc import Iterator

from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Problem
from ipse.noise.measured import Measured, measure
from ipse.noise.residual import unevenness
from ipse.noise.squares import squares
from ipse.pilots.median_centred import median_centred
from ipse.pilots.non_local_means import non_local_means
from ipse.pilots.stationary import stationary, stationary_steps
from ipse.settings import Settings
from ipse.tasks import _common

PIECE = 256  # pixels a side that are tried
#: unevenness up to which a residual is noise. Chosen between SIDD (2 pictures) and CC15 (8), which have 0.2 to 0.5, and
#: 16 of scikit-image's with Set5, which have 0.53 and more (but set9's Baboon 0.28); docs/decisions/enhance.md
EVEN = 0.5
FLOOR = 0.38  # of the noise's energy, that the quietest blocks of a noisy picture have; chosen on the same
VISIBLE = (
    1.5 / 255,
    0.3,
)  # levels: below there is little to see, above there is no picture left to know noise by
CORRELATED = (0.35, 0.9)  # from pixel to pixel: less is white noise, more is a blurred picture


def noise_of(y: Tensor) -> Measured | None:
    """The correlated noise of a picture (1, C, H, W) in [0, 1], or None where there is none to be sure of."""
    measured = measure(squares(y)[0])
    if measured is None or measured.floor < FLOOR:
        return None
    if not VISIBLE[0] <= max(measured.sigma) <= VISIBLE[1]:
        return None
    if not CORRELATED[0] <= measured.correlation <= CORRELATED[1]:
        return None
    return measured if trial(y, measured) <= EVEN else None


def trial(y: Tensor, measured: Measured) -> float:
    """How uneven the residual is of a piece from the middle."""
    top, left = (max(0, (side - PIECE) // 2) for side in y.shape[-2:])
    piece = y[0, :, top : top + PIECE, left : left + PIECE]
    noisy = measured.stabilised(piece)
    clean = stationary(noisy[None], measured.covariance, preset="fast")[0]
    return unevenness(noisy - clean, clipped=(piece <= 0) | (piece >= 1))


def problem(y: Tensor, measured: Measured, settings: Settings, estimates: dict[str, object]) -> Problem:
    """Noise that was measured, taken out of a picture (1, C, H, W)."""
    more = 0.4  # of the noise is added in each of several runs

    def perturbed(seed: int) -> Iterator[Tensor]:
        level = more * sum(measured.sigma) / len(measured.sigma)
        return estimates_of(_common.noisier(y, level, seed), measured, settings)

    return Problem(
        prior=None,
        objective=LeastSquares(y),
        recipe=_common.alone(),
        pilot=lambda: estimates_of(y, measured, settings),
        perturbed=perturbed,
        estimates=estimates,
    )


def estimates_of(y: Tensor, measured: Measured, settings: Settings) -> Iterator[Tensor]:
    """Non-local means at once, then octave by octave, step by step."""
    yield non_local_means(y, max(measured.sigma))
    noisy = measured.stabilised(y[0])[None]
    x = y
    for found in stationary_steps(noisy, measured.covariance, preset=_common.effort(settings)):
        x = measured.restored(found[0])[None]
        yield x
    yield median_centred(y, x)


def levels(measured: Measured) -> list[float]:
    """Of each channel, on the scale of 8 bits."""
    return [round(255 * sigma, 2) for sigma in measured.sigma]


def said(measured: Measured) -> str:
    """One sentence for the user."""
    low, high = min(levels(measured)), max(levels(measured))
    spread = f"σ = {low:.1f}" if low == high else f"σ = {low:.1f} to {high:.1f}"
    return f"camera noise, correlated from pixel to pixel ({measured.correlation:.2f}), {spread} of 255"
