"""Correlated noise: x₂ = D_σ(A y), z = y + U(x₂ − A y), x = D_τ(z), with A y at half the resolution.

After demosaicking and JPEG, camera noise is correlated over several pixels: at full resolution it resembles texture,
at half resolution it is nearly white and can be removed. D is NL-Ridge, U bicubic interpolation; the frequencies that A
removes are denoised in the second step.

The same idea in frequency bands: Lebrun, Colom and Morel, "Multiscale image blind denoising", 2015,
https://doi.org/10.1109/TIP.2015.2439041
"""

from typing import Literal

from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from ipse.pilots.non_local import non_local

FINE = 0.7  # τ/σ
LEAST = 16  # smallest side in pixels that is halved


def coarse_to_fine(
    y: Tensor,
    sigma: float | Tensor,
    *,
    preset: Literal["fast", "good", "best"] = "good",
) -> Tensor:
    """Denoise y = x + n, n Gaussian with about the same strength at full and at half resolution.

    Args:
        y: a noisy picture (1, C, H, W).
        sigma: standard deviation of the noise, in units of y: a number, or a value for each channel.
        preset: number and density of the steps at each scale.

    Returns:
        The estimate (1, C, H, W).

    Raises:
        OptionError: a negative sigma, or an unknown preset.
    """
    height, width = y.shape[-2:]
    if min(height, width) < LEAST:
        return non_local(y, sigma, preset=preset)
    even = pad(y, (0, width % 2, 0, height % 2), mode="replicate")
    half = avg_pool2d(even, 2)
    correction = non_local(half, sigma, preset=preset) - half
    z = y + interpolate(correction, scale_factor=2.0, mode="bicubic")[..., :height, :width]
    return non_local(z, FINE * sigma, preset=preset)
