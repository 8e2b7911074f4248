"""k from y = k ∗ x alone: strong edges and kernel in turn, from coarse to fine.

    x ← argmin ‖k ∗ x − y‖² + λ ‖∇x‖₀     k ← argmin ‖k ∗ ∇x − ∇y‖² + γ ‖k‖²,  k ≥ 0,  Σ k = 1

λ falls. From one scale to the next the kernel grows with the picture, on a support a little larger than what it covers.
The search is repeated for several supports. Of their kernels, the one is chosen whose picture is sparse and explains y:

    log (mean |∇x| / rms |∇x|) + a log (mean (k ∗ x − y)² + λ Σ |∇x|^α)    is least.

The first term alone prefers ringing, the second alone no blur at all.

Cho and Lee, "Fast motion deblurring", 2009, https://doi.org/10.1145/1618452.1618491
Pan, Hu, Su, Yang, "Deblurring text images via L0-regularized intensity and gradient prior", 2014,
https://doi.org/10.1109/CVPR.2014.371
"""

from collections.abc import Generator, Iterator

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ipse.pilots._canvas import Canvas
from ipse.pilots._kernel_step import kernel_between, tidied
from ipse.pilots.sparse_slopes import ALPHA, sparse_slopes
from ipse.pilots.strong_edges import strong_edges

STRONG = {"fast": (1e-2,), "good": (4e-3, 1e-2), "best": (4e-3, 1e-2)}  # the first λ; each is tried
FALL, LEAST = 1.1, 1e-4  # factor of λ from turn to turn, and its last value
RATIO = 2**0.5  # between scales
COARSEST = 3  # side of the kernel at the coarsest scale
TURNS = {"fast": 2, "good": 5, "best": 7}  # of strong edges and kernel at each scale
SUPPORTS = {
    "fast": (9, 15, 25),
    "good": (9, 13, 17, 23, 31, 41),
    "best": (9, 13, 17, 23, 27, 31, 41, 55),
}  # pixels
PART = 1 / 4  # largest side of a support, of the window's
SPARSE = 0.012  # √λ of the pictures that are compared
WEIGHT = 0.6  # a
MARGIN = 3  # pixels beyond what the kernel covers, at each scale
SIDES = {"fast": 224, "good": 320, "best": 448}  # pixels of the window in which the kernel is sought
GAIN = 0.08  # by which slopes must become less even; else there was no blur
RADIUS = 1.6  # pixels: nearer to its middle is the light of sharp photographs, in root mean square


def window(y: Tensor, side: int) -> Tensor:
    """The window (1, 1, ≤ side, ≤ side) of the mean of y's channels that has the strongest slopes."""
    gray = y.mean(1, keepdim=True)
    height, width = gray.shape[-2:]
    starts = [range(0, max(1, length - side + 1), max(1, side // 4)) for length in (height, width)]
    views = [gray[..., top : top + side, left : left + side] for top in starts[0] for left in starts[1]]
    return max(views, key=lambda view: float(view.diff(dim=2).abs().sum() + view.diff(dim=3).abs().sum()))


@torch.no_grad()
def search(y: Tensor, *, effort: str = "good") -> Generator[None, None, Tensor]:
    """Find the kernel of a blurred picture y (1, C, H, W) in [0, 1]; yields after every turn.

    Returns:
        k (K, K), K odd, non-negative and of sum 1; (1, 1) where the picture is not blurred.
    """
    gray = window(y, SIDES[effort])
    most = odd(PART * min(gray.shape[-2:]))
    found: list[Tensor] = []
    for largest in sorted({min(support, most) for support in SUPPORTS[effort]}):
        for weight in STRONG[effort]:
            found.append((yield from within(gray, largest, weight, turns=TURNS[effort])))
    judged = [(k, *traits(gray, k)) for k in found]
    best, even, _ = min(judged, key=lambda one: one[1] + WEIGHT * one[2])
    point = gray.new_ones(1, 1)
    blurred = radius(best) > RADIUS and even < traits(gray, point)[0] - GAIN
    return best if blurred else point


def shown(steps: Generator[None, None, Tensor], y: Tensor) -> Generator[Tensor, None, Tensor]:
    """A search that yields y after every turn."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        yield y


def drained(steps: Generator[None, None, Tensor]) -> Tensor:
    """What a search returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def traits(y: Tensor, k: Tensor) -> tuple[float, float]:
    """The two terms of the sum above: how even the slopes of the sharp picture are, and what it leaves unexplained."""
    canvas = Canvas(y, k)
    x = sparse_slopes(canvas, SPARSE**2, rounds=3)
    misfit, sharp = canvas.inner(canvas.blurred(x)) - y, canvas.inner(x)
    down, across = sharp.diff(dim=2)[..., :-1], sharp.diff(dim=3)[..., :-1, :]
    slope = (down.square() + across.square()).sqrt()
    energy = misfit.square().mean() + SPARSE**2 * (down.abs() ** ALPHA + across.abs() ** ALPHA).mean()
    even = slope.mean() / slope.square().mean().sqrt().clamp_min(1e-12)
    return float(even.clamp_min(1e-12).log()), float(energy.clamp_min(1e-12).log())


def within(gray: Tensor, largest: int, weight: float, *, turns: int) -> Generator[None, None, Tensor]:
    """The kernel whose side is at most ``largest``, from coarse to fine; ``weight`` is the first λ."""
    scales = [1.0]
    while largest * scales[-1] / RATIO >= COARSEST:
        scales.append(scales[-1] / RATIO)
    side = odd(largest * scales[-1])
    k = gray.new_zeros(side, side)
    k[side // 2, side // 2 - 1 : side // 2 + 1] = 0.5
    for scale in reversed(scales):
        small = resized(gray, scale)
        if scale != scales[-1]:
            k = grown(k, odd(largest * scale))
        for _ in range(turns):
            k = turn(small, k, weight, fine=scale == 1)
            weight = max(weight / FALL, LEAST)
            yield
    return trimmed(k)


def turn(y: Tensor, k: Tensor, weight: float, *, fine: bool) -> Tensor:
    """The kernel after one more step of strong edges and kernel."""
    canvas = Canvas(y, k)
    found = kernel_between(canvas, strong_edges(canvas, weight), k.shape[0])
    return tidied(found) if fine else tidied(found, alone=0)


def grown(k: Tensor, most: int) -> Tensor:
    """The kernel at the next scale, on a support that it does not fill."""
    side = odd(k.shape[0] * RATIO)
    large = interpolate(k[None, None], size=(side, side), mode="bicubic", align_corners=False)[0, 0]
    large = tidied(large, small=0.01, alone=0)
    return fitted(large, min(most, covered(large) + 2 * MARGIN))


def trimmed(k: Tensor) -> Tensor:
    """The kernel without rows and columns of zeros around it."""
    return fitted(k, covered(k))


def covered(k: Tensor) -> int:
    """The odd side of the smallest square in the middle that holds all of the kernel."""
    rows, columns = torch.nonzero(k, as_tuple=True)
    middle = k.shape[0] // 2
    return 2 * int(max((rows - middle).abs().max(), (columns - middle).abs().max())) + 1


def fitted(k: Tensor, side: int) -> Tensor:
    """The middle of the kernel, (side, side), of sum 1."""
    by = (side - k.shape[0]) // 2
    k = pad(k, (by, by, by, by))
    return k / k.sum()


def resized(y: Tensor, scale: float) -> Tensor:
    """The picture at another scale."""
    if scale == 1:
        return y
    size = [max(1, round(scale * length)) for length in y.shape[-2:]]
    return interpolate(y, size=size, mode="bicubic", antialias=True, align_corners=False)


def odd(length: float) -> int:
    """The nearest odd number, at least 3."""
    return max(3, 2 * round((length - 1) / 2) + 1)


def radius(k: Tensor) -> float:
    """The root mean square distance of the kernel's light from its centre of gravity, in pixels."""
    rows, columns = (torch.arange(side, device=k.device, dtype=k.dtype) for side in k.shape)
    down, across = (k.sum(1), rows), (k.sum(0), columns)
    return sum(float((w * (at - (w * at).sum()).square()).sum()) for w, at in (down, across)) ** 0.5


def is_point(k: Tensor) -> bool:
    """Whether the kernel does not blur."""
    return k.numel() == 1


def quarters(y: Tensor, k: Tensor, *, effort: str) -> Iterator[Tensor]:
    """The kernel of each quarter of the picture, from that of the whole."""
    height, width = (length // 2 for length in y.shape[-2:])
    k = fitted(k, k.shape[0] + 2 * MARGIN)
    for top in (0, y.shape[-2] - height):
        for left in (0, y.shape[-1] - width):
            part = window(y[..., top : top + height, left : left + width], SIDES[effort] // 2)
            own = k
            for _ in range(TURNS["fast"]):
                own = turn(part, own, LEAST * 10, fine=True)
            yield own


def likeness(a: Tensor, b: Tensor) -> float:
    """The largest correlation of two kernels of one size over all shifts, 1 if they are equal."""
    spectra = [torch.fft.rfft2(pad(one, (0, one.shape[1], 0, one.shape[0]))) for one in (a, b)]
    product = torch.fft.irfft2(spectra[0] * spectra[1].conj())
    return float(product.max() / (a.norm() * b.norm()).clamp_min(1e-12))
