"""σ of white noise: it lifts every eigenvalue of the patches' covariance by σ², structure only the large ones.

Over patches whose gradients are no larger than noise makes them, the small eigenvalues are σ²; of all eigenvalues
those are small that are spread evenly about their mean, as noise's are.

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
DENSE = 1 << 18  # pixels, beyond which every other patch will do
ROUNDS = 10  # at most, until σ settles
FLATNESS = 1.64  # · the roughness expected of noise: 99 % of the patches that are nothing else lie below
LEAST = 64  # patches below which a covariance means nothing


def white(y: Tensor) -> float:
    """σ of a picture (1, C, H, W) in [0, 1], as the root mean square over channels; 0 for a tiny picture."""
    y = squares(y)
    levels = [_level(y[0, c]) for c in range(y.shape[1])]
    return (sum(level**2 for level in levels) / len(levels)) ** 0.5


def _level(plane: Tensor) -> float:
    """σ of one channel (H, W): the small eigenvalues over patches that could be flat under σ, until σ settles."""
    side = PATCH if plane.numel() >= FEW else SMALL
    if min(plane.shape) < side:
        return 0.0
    stride = 1 if plane.numel() <= DENSE else 2
    patches = _unclipped(unfold(plane[None, None], side, stride=stride)[0])
    if patches.shape[1] < LEAST:
        return 0.0
    cube = patches.T.reshape(-1, side, side)
    rough = cube.diff(dim=1).square().sum((1, 2)) + cube.diff(dim=2).square().sum((1, 2))
    expected = 4 * side * (side - 1)  # · σ²: differences in a patch, each of variance 2 σ²
    sigma = _least(patches)
    for _ in range(ROUNDS):
        calm = rough < FLATNESS * expected * sigma**2
        if int(calm.sum()) < LEAST:
            break
        before, sigma = sigma, _least(patches[:, calm])
        if abs(sigma - before) < 1e-3 * before:
            break
    return sigma


def _unclipped(patches: Tensor) -> Tensor:
    """Those of the patches (n, P) that clipping has hardly touched, nearest to middle gray first."""
    mean = patches.mean(0)
    for margin in (0.3, 0.2, 0.1):
        free = (mean > margin) & (mean < 1 - margin)
        if int(free.sum()) >= max(LEAST, 0.05 * len(mean)):
            return patches[:, free]
    return patches


def _least(patches: Tensor) -> float:
    """σ from the small eigenvalues of the covariance of patches (n, P): as many as are spread about their mean."""
    values = torch.linalg.eigvalsh(torch.cov(patches.double())).clamp_min(0)  # ascending
    for count in range(len(values), 1, -1):
        if values[:count].mean() <= values[:count].median():
            return float(values[:count].mean().sqrt())
    return float(values[0].sqrt())
