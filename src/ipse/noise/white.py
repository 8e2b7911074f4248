"""σ of white noise: it lifts every eigenvalue of the patches' covariance by σ², structure only the large ones.

Over patches whose gradients are no larger than noise makes them, the small eigenvalues are σ²; of all eigenvalues
those are small that are spread evenly about their mean, as noise's are.

A clean picture has structure that passes for noise in some place. So σ is believed where the picture bears it out:
some patches are flat but for noise; of each brightness hardly any is quieter than chance leaves it, for noise is
everywhere; and neighbours are as unlike as pixels further apart, for it is white: those of a dither are less alike.
Samples at 0 and 1 may have been clipped, so that patches of them say nothing; constant ones in between say σ = 0.

Liu, Tanaka and Okutomi, "Single-image noise level estimation for blind denoising", 2013,
https://doi.org/10.1109/TIP.2013.2283400
Chen, Zhu and Heng, "An efficient statistical method for image noise level estimation", 2015,
https://doi.org/10.1109/ICCV.2015.62
"""

import torch
from torch import Tensor
from torch.nn.functional import unfold

from ipse.noise.squares import squares

PATCH = 7  # pixels a side
SMALL = 5  # the same, of a picture with fewer than
FEW = 1 << 13  # pixels
DENSE = 1 << 17  # pixels, beyond which every third patch will do, across and down
ROUNDS = 10  # at most, until σ settles
FLATNESS = 1.64  # · the roughness expected of noise: 99 % of the patches that are nothing else lie below
LEAST = 64  # patches below which a covariance means nothing
RARE = 1000  # one patch in so many must be flat: of set9 and cc15 under σ = 2, the least was one in 280
ENDS = (0.1, 0.3, 0.7)  # of a patch's samples at 0 and 1: the least that leaves patches enough …
ENOUGH = 0.2  # … of those that are not all at one end
HEAVY, MIDDLE = 0.08, 0.3  # σ from which patches without samples at the ends are a choice among quiet ones: …
#                            … then those are taken whose mean is so far from the ends
BINS = 8  # of brightness
QUIET = 0.5  # of its bin's usual roughness: under noise 1 patch in 300 has less
QUIETER = 0.03  # of a bin's patches, at the most: noise on photographs left 0.005, zone plates 0.07
UNLIKE = (
    1.2  # neighbours' squared difference over that of pixels two apart: noise 1.03 at the most, dithers 1.4
)


def white(y: Tensor) -> float:
    """σ of a picture (1, C, H, W) in [0, 1], as the root mean square over channels; 0 for a tiny picture."""
    found = levels(y)
    return (sum(level**2 for level in found) / len(found)) ** 0.5


def levels(y: Tensor) -> list[float]:
    """σ of each channel of a picture (1, C, H, W) in [0, 1]; zeros unless one of them bears it out."""
    found = [_level(plane) for plane in squares(y)[0].cpu()]  # float64 is not for Apple's GPUs
    return [sigma if any(sure for _, sure in found) else 0.0 for sigma, _ in found]


def _level(plane: Tensor) -> tuple[float, bool]:
    """σ of one channel (H, W), and whether it is borne out."""
    side = PATCH if plane.numel() >= FEW else SMALL
    if min(plane.shape) < side:
        return 0.0, False
    stride = 1 if plane.numel() <= DENSE else 3
    patches = unfold(plane[None, None], side, stride=stride)[0]
    sigma, sure = _settled(_unclipped(patches), side)
    if not sure or sigma < HEAVY:
        return sigma, sure
    mean, ends = patches.mean(0), _ends(patches)
    middle = (mean > MIDDLE) & (mean < 1 - MIDDLE) & (ends <= ENDS[-1])
    if int(middle.sum()) < 0.05 * len(mean):
        return sigma, True
    again, sure = _settled(patches[:, middle], side)
    return again if sure else sigma, True


def _settled(patches: Tensor, side: int) -> tuple[float, bool]:
    """The small eigenvalues over those patches (n, P) that could be flat under σ, and whether σ settled."""
    least = max(LEAST, patches.shape[1] / RARE)
    if patches.shape[1] < least:
        return 0.0, False
    rough = _differences(patches, side, 1)
    sigma, calm = _least(patches), rough >= 0
    for _ in range(ROUNDS):
        calm = rough < FLATNESS * 2 * sigma**2  # a difference of two has variance 2 σ²
        if int(calm.sum()) < least:
            return sigma, False
        before, sigma = sigma, _least(patches[:, calm])
        if abs(sigma - before) < 1e-3 * before:
            break
    flat = patches[:, calm]
    sure = _is_everywhere(flat, rough[calm]) and _is_white(flat, side)
    return sigma if sure else 0.0, sure


def _differences(patches: Tensor, side: int, apart: int) -> Tensor:
    """Mean squared difference of samples so far apart, across and down, in each of the patches (n, P)."""
    cube = patches.reshape(side, side, -1)
    return (
        (cube[apart:] - cube[:-apart]).square().mean((0, 1))
        + (cube[:, apart:] - cube[:, :-apart]).square().mean((0, 1))
    ) / 2


def _unclipped(patches: Tensor) -> Tensor:
    """Those of the patches (n, P) that clipping has touched least, if at all; none where these are a small part."""
    ends = _ends(patches)
    mean = patches.mean(0)
    enough = max(LEAST, ENOUGH * int(((mean > 0) & (mean < 1)).sum()))
    for share in ENDS:
        free = ends <= share
        if int(free.sum()) >= enough:
            return patches[:, free]
    return patches[:, :0]


def _ends(patches: Tensor) -> Tensor:
    """The share of each patch's samples that are at 0 or 1."""
    return ((patches <= 0) | (patches >= 1)).float().mean(0)


def _is_everywhere(flat: Tensor, rough: Tensor) -> bool:
    """Whether the roughness of patches (n, P) is bounded from below, as that of noise is; of each brightness alone."""
    parts = [rough[part] for part in flat.mean(0).argsort().chunk(BINS)]
    quiet = torch.stack([(part < QUIET * part.median()).float().mean() for part in parts])
    return float(quiet.median()) <= QUIETER and float(rough.median()) > 0


def _is_white(flat: Tensor, side: int) -> bool:
    """Whether neighbours are no more unlike than samples further apart."""
    near, far = (float(_differences(flat, side, apart).mean()) for apart in (1, 2))
    return near <= UNLIKE * far


def _least(patches: Tensor) -> float:
    """σ from the small eigenvalues of the covariance of patches (n, P): as many as are spread about their mean."""
    values = torch.linalg.eigvalsh(torch.cov(patches.cpu().double())).clamp_min(0)  # ascending
    for count in range(len(values), 1, -1):
        if values[:count].mean() <= values[:count].median():
            return float(values[:count].mean().sqrt())
    return float(values[0].sqrt())
