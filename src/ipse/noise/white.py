"""σ of white noise: it raises every eigenvalue of the patches' covariance by σ², structure only the large ones.

Over patches whose gradients are no larger than expected from noise, the small eigenvalues equal σ². The small ones are
those that are distributed evenly around their mean, as for noise.

In a clean picture, structure may look like noise in some places. Therefore σ is accepted only if some patches are flat
except for noise; if, for each brightness, hardly any patch is quieter than expected by chance, because noise is
everywhere; and if neighbours differ as much as pixels further apart, because it is white (in a dither they differ
more). Samples at 0 and 1 may be clipped, so their patches are ignored; constant patches in between mean σ = 0.

Liu, Tanaka and Okutomi, "Single-image noise level estimation for blind denoising", 2013,
https://doi.org/10.1109/TIP.2013.2283400
Chen, Zhu and Heng, "An efficient statistical method for image noise level estimation", 2015,
https://doi.org/10.1109/ICCV.2015.62
"""

import torch
from torch import Tensor

from ipse.noise.moments import Moments
from ipse.noise.patches import Patches
from ipse.noise.squares import squares

PATCH = 7  # pixels a side
SMALL = 5  # the same, of a picture with fewer than
FEW = 1 << 13  # pixels
DENSE = 1 << 17  # pixels, beyond which every third patch will do, across and down
ROUNDS = 10  # at most, until σ settles
FLATNESS = 1.64  # · the roughness expected of noise: 99 % of the patches that are nothing else lie below
LEAST = 10  # times as many patches as eigenvalues are wanted …
RARE = 1000  # … and one patch in so many
EVEN = 0.375  # of the eigenvalues must be nearly alike: the root of the largest of them is …
FLAT = (
    1.5  # … times as large as the least's at most, in flat patches: 1.35 under noise, 1.6 in JPEGs of text …
)
ALL = 1.15  # … or in all of them: 1.1 in noisy prints of fingers, which have no flat ones, 1.24 in posters
ENDS = (0.1, 0.3, 0.7)  # of a patch's samples at 0 and 1: the least that leaves patches enough …
ENOUGH = 0.2  # … of those that are not all at one end
HEAVY = 0.08  # σ from which patches without samples at the ends are a choice among quiet ones: …
MIDDLE = 0.3  # … then those are taken whose mean is so far from the ends
FAINT = 0.5 / 255  # σ, of the least eigenvalue of all patches: less is what a few lines leave
BINS = 8  # of brightness
QUIET = 0.5  # of its bin's usual roughness: under noise 1 patch in 300 has less, of small ones 1 in 30
QUIETER = {
    PATCH: 0.015,
    SMALL: 0.06,
}  # of a bin's patches, at the most: photographs' noise left 0.005, dithers 0.026
UNLIKE = (
    1.2  # neighbours' squared difference over that of pixels two apart: noise 1.03 at the most, dithers 1.4
)


def white(y: Tensor) -> float:
    """σ of a picture (1, C, H, W) in [0, 1], the root mean square over channels; 0 for a tiny picture."""
    found = levels(y)
    return (sum(level**2 for level in found) / len(found)) ** 0.5


def levels(y: Tensor) -> list[float]:
    """σ of each channel of a picture (1, C, H, W) in [0, 1]; zeros unless it is confirmed in one of them."""
    found = [_level(plane) for plane in squares(y)[0].cpu()]  # Apple's GPUs do not support float64
    return [sigma if any(sure for _, sure in found) else 0.0 for sigma, _ in found]


def is_tiny(y: Tensor) -> bool:
    """Whether a picture (1, C, H, W) has too few patches, even of the smallest size."""
    height, width = (side - SMALL + 1 for side in y.shape[-2:])
    return min(height, width) < 1 or height * width < LEAST * SMALL**2


def _level(plane: Tensor) -> tuple[float, bool]:
    """σ of one channel (H, W), and whether it is confirmed."""
    side = PATCH if plane.numel() >= FEW else SMALL
    if min(plane.shape) < side:
        return 0.0, False
    patches = Patches(plane, side, stride=1 if plane.numel() <= DENSE else 3)
    sigma, sure = _settled(patches, _unclipped(patches))
    if not sure or sigma < HEAVY:
        return sigma, sure
    middle = (patches.mean > MIDDLE) & (patches.mean < 1 - MIDDLE) & (patches.ends <= ENDS[-1])
    if int(middle.sum()) < 0.05 * len(middle):
        return sigma, True
    again, sure = _settled(patches, middle.nonzero().flatten())
    return again if sure else sigma, True


def _settled(patches: Patches, places: Tensor) -> tuple[float, bool]:
    """σ from the small eigenvalues of those patches that are flat, and whether it is confirmed."""
    least = max(LEAST * patches.side**2, len(places) / RARE)
    if len(places) < least:
        return 0.0, False
    rough, order = patches.rough(1)[places].sort()
    places = places[order]  # so that the flat ones come first
    moments = Moments(patches.samples, places)
    every = values = _spectrum(moments, len(places))
    sigma, count = _least(every), len(places)
    for _ in range(ROUNDS):
        # a difference of two samples has variance 2 σ²
        calm = int(torch.searchsorted(rough, FLATNESS * 2 * sigma**2))
        if calm < least:
            sure = (
                _unevenness(every) <= ALL and float(every[0]) > FAINT**2 and _is_noise(patches, places, rough)
            )
            return _least(every) if sure else sigma, sure
        count, values = calm, _spectrum(moments, calm)
        before, sigma = sigma, _least(values)
        if abs(sigma - before) < 1e-3 * before:
            break
    sure = _unevenness(values) <= FLAT and _is_noise(patches, places[:count], rough[:count])
    return sigma if sure else 0.0, sure


def _unevenness(values: Tensor) -> float:
    """The ratio of the roots of the largest small eigenvalue and the smallest one."""
    return float(values[int(EVEN * len(values))] / values[0].clamp_min(1e-12)) ** 0.5


def _is_noise(patches: Patches, flat: Tensor, rough: Tensor) -> bool:
    """Whether patches are equally rough everywhere, and neighbours differ no more than pixels further apart."""
    return _is_everywhere(patches, flat, rough) and _is_white(patches, flat)


def _unclipped(patches: Patches) -> Tensor:
    """The places of the patches that are affected least by clipping; none if these are too few."""
    mean, ends = patches.mean, patches.ends
    enough = max(LEAST * patches.side**2, ENOUGH * int(((mean > 0) & (mean < 1)).sum()))
    for share in ENDS:
        free = (ends <= share).nonzero().flatten()
        if len(free) >= enough:
            return free
    return torch.empty(0, dtype=torch.long)


def _is_everywhere(patches: Patches, flat: Tensor, rough: Tensor) -> bool:
    """Whether the roughness of patches of each brightness is bounded from below, as for noise."""
    parts = [rough[part] for part in patches.mean[flat].argsort().chunk(BINS)]
    quiet = torch.stack([(part <= QUIET * part.median()).float().mean() for part in parts])
    return float(quiet.median()) <= QUIETER[patches.side] and float(rough.median()) > 0


def _is_white(patches: Patches, flat: Tensor) -> bool:
    """Whether neighbours differ no more than samples further apart."""
    near, far = (float(patches.rough(apart)[flat].mean()) for apart in (1, 2))
    return near <= UNLIKE * far


def _spectrum(moments: Moments, count: int) -> Tensor:
    """The eigenvalues of the covariance of the first patches, ascending."""
    return torch.linalg.eigvalsh(moments.covariance(count)).clamp_min(0)


def _least(values: Tensor) -> float:
    """σ from the small eigenvalues, as many as are distributed evenly around their mean."""
    for count in range(len(values), 1, -1):
        if values[:count].mean() <= values[:count].median():
            return float(values[:count].mean().sqrt())
    return float(values[0].sqrt())
