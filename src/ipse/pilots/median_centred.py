"""x ↦ x + med(y − x | brightness): a tone curve changes the mean of noisy values, but not their median.

A camera applies its tone curve g to noisy light, and clips the result: E g(x + n) ≠ g(x), but med g(x + n) =
g(med(x + n)) for any increasing g. A denoised picture is a mean; it is therefore shifted until the median of its
residual is 0, for each channel by a smooth function of brightness. The function is measured where the picture is flat,
as far as it exceeds the median's own error, and not where much of the noise is clipped, which biases the median too.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

BINS = 6  # largest number of bins of brightness
WIDE = 2.0  # smallest width of a bin, in σ of the noise
FEW = 400  # smallest number of pixels of a bin
CUT = 0.2  # largest fraction of a bin's samples at black or white; more would bias the median
TOGETHER = 6  # number of pixels with the same noise, for the error of the median
ERROR = 1.25  # error of a median, relative to that of a mean


@torch.no_grad()
def median_centred(y: Tensor, x: Tensor) -> Tensor:
    """Move an estimate x (1, C, H, W) of the noisy picture y to the median of y."""
    moved = [_moved(*planes) for planes in zip(y[0], x[0], strict=True)]
    return torch.stack(moved)[None]


def _moved(y: Tensor, x: Tensor) -> Tensor:
    residual, ends = y - x, (y <= 0) | (y >= 1)
    rough = _roughness(x)
    calm = rough <= rough.median()
    low, high = (float(x[calm].quantile(share)) for share in (0.005, 0.995))
    bins = max(1, min(BINS, int((high - low) / max(WIDE * float(residual.std()), 1e-3))))
    place = ((x - low) / max(high - low, 1e-6) * bins).clamp(0, bins - 0.5).long()
    rows: list[tuple[float, float]] = []
    for part in range(bins):
        inside = calm & (place == part)
        count = int(inside.sum())
        if count < FEW:
            continue
        if float(ends[inside].float().mean()) > CUT:
            rows.append((float(x[inside].mean()), 0.0))
            continue
        median = float(residual[inside].median())
        error = ERROR * float(residual[inside].std()) / (count / TOGETHER) ** 0.5
        rows.append((float(x[inside].mean()), median**3 / (median**2 + error**2 + 1e-12)))
    if not rows:
        return x
    brightness, shift = np.array(sorted(rows)).T
    return x + torch.from_numpy(np.interp(x.cpu().numpy(), brightness, shift)).to(x)


def _roughness(x: Tensor) -> Tensor:
    """The standard deviation of the 5 × 5 neighbourhood of each pixel."""
    wide = pad(x[None, None], (2, 2, 2, 2), mode="replicate")
    return (avg_pool2d(wide.square(), 5, 1) - avg_pool2d(wide, 5, 1).square())[0, 0]
