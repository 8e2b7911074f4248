"""y = x + n: how strong n is and of what kind, read off the picture alone.

White noise lifts every eigenvalue of the patches' covariance by σ², structure only the large ones; over patches whose
gradients are no larger than noise makes them, the small ones are σ² (Liu, Tanaka, Okutomi, "Single-image noise level
estimation for blind denoising", 2013, https://doi.org/10.1109/TIP.2013.2283400). How the variance depends on brightness
tells the kind:

    gaussian   var n = σ²            poisson   var n = g x + σ²           speckle   var n = s² x²

and isolated black and white pixels are salt and pepper, whatever else there is.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad, unfold

Kind = Literal["none", "gaussian", "poisson", "speckle", "salt-and-pepper"]

PATCH = 7  # pixels a side
ROUNDS = 10  # at most, until σ settles
GRADIENTS = 2 * PATCH * (PATCH - 1)  # differences in a patch; each has variance 2σ² under noise
FLATNESS = 2 * GRADIENTS * 1.64  # · σ²: 99 % of the patches that are nothing but noise lie below
FAR = 0.25  # from the neighbours' median: no longer the picture
LEAST = 64  # patches below which a covariance means nothing
NOTHING = 1 / 255  # σ below which there is nothing that a viewer would call noise
SQUARE = 256  # pixels a side
BINS = 8  # of brightness
FALL = 0.2  # of the misfit of a constant variance, which a growing one must explain the rest of
GROWTH = 0.5  # of the mean variance: the least that it must grow by over the picture's range
CALMEST = 0.1  # share of the blocks that are taken for flat …
BIAS = 0.74  # … whose variance falls short by this (measured on white noise)


@dataclass(frozen=True)
class Noise:
    """What was found. Units of the picture, [0, 1]."""

    kind: Kind
    sigma: float  #: standard deviation of the constant part, or of all of it where the kind is gaussian
    gain: float = 0.0  #: poisson: variance per brightness; speckle: relative standard deviation
    fraction: float = 0.0  #: salt and pepper: share of the pixels

    @property
    def said(self) -> str:
        """One sentence for the user."""
        level = f"σ = {255 * self.sigma:.1f} of 255"
        match self.kind:
            case "none":
                return f"no noise to speak of ({level})"
            case "gaussian":
                return f"Gaussian noise, {level}"
            case "poisson":
                return f"photon noise: variance {self.gain:.2g} · brightness, and {level}"
            case "speckle":
                return f"speckle: {100 * self.gain:.0f} % of the brightness"
            case "salt-and-pepper":
                return f"salt and pepper on {100 * self.fraction:.1f} % of the pixels"


def estimate(y: Tensor) -> Noise:
    """Find the noise of a picture y (1, C, H, W) in [0, 1]; of a large one, from squares spread over it."""
    y = _spread(y)
    fraction = float(impulses(y).float().mean())
    if fraction > 0.005:
        return Noise("salt-and-pepper", 0.0, fraction=fraction)
    sigma = white(y)
    if sigma < NOTHING:
        return Noise("none", sigma)
    return _by_brightness(y, sigma)


def _spread(y: Tensor) -> Tensor:
    """A mosaic of 4 × 4 squares, evenly spread, of a picture larger than that."""
    height, width = y.shape[-2:]
    if min(height, width) < 4 * SQUARE or height * width <= 2 * (4 * SQUARE) ** 2:
        return y
    tops, lefts = (torch.linspace(0, side - SQUARE, 4).long().tolist() for side in (height, width))
    rows = [
        torch.cat([y[..., top : top + SQUARE, left : left + SQUARE] for left in lefts], -1) for top in tops
    ]
    return torch.cat(rows, -2)


def white(y: Tensor) -> float:
    """σ of white noise, as the root mean square over channels."""
    y = _spread(y)
    levels = [_level(y[0, c]) for c in range(y.shape[1])]
    return (sum(level**2 for level in levels) / len(levels)) ** 0.5


def _level(plane: Tensor) -> float:
    """σ of one channel (H, W): the least eigenvalue over the patches that could be flat under σ, until that settles."""
    if min(plane.shape) < PATCH:
        return 0.0
    stride = 1 if plane.numel() < 1 << 19 else 2
    patches = unfold(plane[None, None], PATCH, stride=stride)[0]
    patches = _unclipped(patches).double()
    if patches.shape[1] < LEAST:
        return 0.0
    cube = patches.T.reshape(-1, PATCH, PATCH)
    rough = cube.diff(dim=1).square().sum((1, 2)) + cube.diff(dim=2).square().sum((1, 2))
    sigma = _least(patches)
    for _ in range(ROUNDS):
        calm = rough < FLATNESS * sigma**2
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
    values = torch.linalg.eigvalsh(torch.cov(patches)).clamp_min(0)  # ascending
    for count in range(len(values), 1, -1):
        if values[:count].mean() <= values[:count].median():
            return float(values[:count].mean().sqrt())
    return float(values[0].sqrt())


def impulses(y: Tensor) -> Tensor:
    """Bool (1, 1, H, W): pixels at 0 or 1, far from their neighbours' median, if that is a kind of its own.

    Clipped Gaussian noise makes such pixels too, but many more that are far off without being at the end.
    """
    if min(y.shape[-2:]) < 3:
        return torch.zeros_like(y[:, :1], dtype=torch.bool)
    around = pad(y, (1, 1, 1, 1), mode="replicate")
    shifts = [around[..., i : i + y.shape[-2], j : j + y.shape[-1]] for i in range(3) for j in range(3)]
    middle = torch.stack([s for k, s in enumerate(shifts) if k != 4]).median(0).values
    far = (y - middle).abs() > FAR
    black, white_ = far & (y <= 0), far & (y >= 1)
    others = (far & (y > 0) & (y < 1)).float().mean()
    found = (black | white_).any(1, keepdim=True)
    least = min(float(black.float().mean()), float(white_.float().mean()))
    if least < 0.001 or float((black | white_).float().mean()) < 4 * float(others):
        return torch.zeros_like(found)
    return found


def _by_brightness(y: Tensor, sigma: float) -> Noise:
    """Fit var n = σ², g x + σ² and s² x² to the variances of the calmest blocks of every brightness."""
    x, variance = _curve(y)
    if len(x) < 4:
        return Noise("gaussian", sigma)
    constant = (variance - variance.mean()).square().sum()
    slope = ((x - x.mean()) * (variance - variance.mean())).sum() / (x - x.mean()).square().sum()
    floor = variance.mean() - slope * x.mean()
    linear = (variance - slope * x - floor).square().sum()
    square = speckle_gain(y) ** 2
    quadratic = (variance - square * x**2).square().sum()
    growth = float(slope * (x.max() - x.min()))
    if growth < GROWTH * float(variance.mean()) or float(min(linear, quadratic)) > FALL * float(constant):
        return Noise("gaussian", sigma)
    if quadratic < linear:
        return Noise("speckle", 0.0, gain=square**0.5)
    return Noise("poisson", float(floor.clamp_min(0).sqrt()), gain=float(slope))


def speckle_gain(y: Tensor) -> float:
    """Relative standard deviation of noise that multiplies, where that is known to be its kind."""
    x, variance = _curve(y)
    if not len(x):
        return white(y) / max(float(y.mean()), 1e-3)
    return float(((x**2 * variance).sum() / (x**4).sum()).sqrt())


def _curve(y: Tensor) -> tuple[Tensor, Tensor]:
    """Brightness and noise variance (K,), a value for each of up to ``BINS`` parts of the range."""
    gray = y.mean(1, keepdim=True)
    kernel = torch.tensor([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]], device=y.device).div(6)[None, None]
    flat = torch.nn.functional.conv2d(y.transpose(0, 1), kernel).square().mean(0, keepdim=True)
    blocks = [
        avg_pool2d(part, 8).flatten() for part in (gray[..., 1:-1, 1:-1], flat) if min(part.shape[-2:]) >= 8
    ]
    if len(blocks) < 2 or len(blocks[0]) < 8 * BINS:
        return y.new_zeros(0), y.new_zeros(0)
    edge = ((gray <= 0.02) | (gray >= 0.98)).float()[..., 1:-1, 1:-1]
    usable = avg_pool2d(edge, 8).flatten() < 0.02
    light, rough = blocks[0][usable], blocks[1][usable]
    places, values = [], []
    for part in torch.linspace(0, 1, BINS + 1)[:-1]:
        inside = (light >= part) & (light < part + 1 / BINS)
        if int(inside.sum()) >= 12:
            places.append(light[inside].mean())
            values.append(rough[inside].quantile(CALMEST) / BIAS)
    return (torch.stack(places), torch.stack(values)) if places else (y.new_zeros(0), y.new_zeros(0))
