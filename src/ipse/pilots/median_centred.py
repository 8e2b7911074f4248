"""x ↦ x + med(y − x | brightness): a tone curve bends the mean of what is noisy, but keeps its median.

A camera applies its curve to noisy light, and clips it: E g(x + n) ≠ g(x), while med g(x + n) = g(med(x + n)) for any
rising g. So a denoised picture, which is a mean, is moved to where the median of its residual is 0, by a smooth
function of brightness, a channel at a time. Read where the picture is flat, and only as far as the median's own error
lets it be told from 0; not where much of the noise is cut off at black or white, which bends the median as well.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

BINS = 6  # of brightness at most, …
WIDE = 2.0  # … none narrower than this many levels of the noise
FEW = 400  # pixels of a bin: fewer say nothing
CUT = 0.2  # of a bin's samples at black or white: more bend the median
TOGETHER = 6  # pixels that share one noise, for the median's error
ERROR = 1.25  # of a median, in that of a mean


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
    """How far each pixel's neighbourhood of 5 × 5 deviates from its mean."""
    wide = pad(x[None, None], (2, 2, 2, 2), mode="replicate")
    return (avg_pool2d(wide.square(), 5, 1) - avg_pool2d(wide, 5, 1).square())[0, 0]
