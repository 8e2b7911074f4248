"""Down-sampling: y_i = Σ_j k(j − u_i) x_j along each axis, u_i the place of the measured pixel i in x.

    place       u_i = f·i + (f − 1)/2, the middle of its block; or as ``phase`` says
    kernels     lanczos a = 2, 3    sinc(t/f) sinc(t/(af))
                bicubic             cubic of Keys with a = −½, stretched by f: imresize's antialiased one
                gauss               exp(−t²/(8σ²)), σ = ½ (gauss12) or 1/√2 (gauss1sq2), whatever f
                box                 the mean of f × f pixels

All are separable: A x = R x Cᵀ, a banded matrix a side, with what lies beyond the border folded into it.

R. Keys, "Cubic convolution interpolation", 1981, https://doi.org/10.1109/TASSP.1981.1163711
"""

from collections.abc import Callable
from math import ceil, exp, pi, sin, sqrt
from typing import Literal

import torch
from torch import Tensor

from ipse.engine.operators.operator import Operator
from ipse.errors import OptionError

Kernel = Literal["bicubic", "lanczos2", "lanczos3", "gauss12", "gauss1sq2", "box"]


def sinc(t: float) -> float:
    """Sine of πt over πt."""
    return sin(pi * t) / (pi * t) if t else 1.0


def lanczos(t: float, lobes: int) -> float:
    """The Lanczos window of ``lobes`` lobes at t, in measured pixels."""
    return sinc(t) * sinc(t / lobes)


def cubic(t: float) -> float:
    """Keys' cubic, a = −½, at t, in measured pixels."""
    t = abs(t)
    return 1.5 * t**3 - 2.5 * t**2 + 1 if t <= 1 else max(2 - t, 0.0) ** 2 * (1 - t) / 2


def gauss(t: float, sigma: float) -> float:
    """A Gaussian at t, in pixels of x."""
    return exp(-(t**2) / (8 * sigma**2))


# kernel -> (width at factor f, weight at t pixels of x and factor f)
KERNELS: dict[str, tuple[Callable[[int], int], Callable[[float, int], float]]] = {
    "bicubic": (lambda f: 4 * f + 1, lambda t, f: cubic(t / f)),
    "lanczos2": (lambda f: 4 * f + 1, lambda t, f: lanczos(t / f, 2)),
    "lanczos3": (lambda f: 6 * f + 1, lambda t, f: lanczos(t / f, 3)),
    "gauss12": (lambda _: 7, lambda t, _: gauss(t, 1 / 2)),
    "gauss1sq2": (lambda _: 9, lambda t, _: gauss(t, 1 / sqrt(2))),
    "box": (lambda f: f, lambda _t, _f: 1.0),
}


class Downsample(Operator):
    """x (B, C, H, W) → y (B, C, ⌈H/f⌉, ⌈W/f⌉), f = ``factor`` from 2 to 8.

    ``phase`` None puts each measured pixel at the middle of its block: the one to use. 0 and ½ are the grids
    of the paper's code to the letter: 0 is the block's first pixel; ½ its middle for an even f (⌊H/f⌋ rows),
    and half a pixel beyond it for an odd f (⌊(H − 1)/f⌋ rows). ``preserve_size=False`` uses no pixel
    beyond the border. Beyond it lies the picture mirrored for bicubic, which is then MATLAB's imresize, and
    its last pixel otherwise. ``width`` is for the box only. Raises OptionError. https://arxiv.org/abs/1711.10925
    """

    taps: Tensor

    def __init__(
        self,
        factor: int,
        *,
        kernel: Kernel = "bicubic",
        phase: float | None = None,
        preserve_size: bool = True,
        width: int | None = None,
    ) -> None:
        super().__init__()
        check(factor, kernel, phase, width)
        self.factor, self.phase, self.preserve_size = factor, phase, preserve_size
        self.mirrored = kernel == "bicubic"
        span, weight = KERNELS[kernel]
        count = width or span(factor)
        odd = factor % 2 == 1 if phase is None else phase == 0
        if kernel != "box" and not odd:
            count -= 1
        places = [j - (count - 1) / 2 for j in range(count)]
        weights = [weight(t, factor) for t in places]
        self.weights = tuple(w / sum(weights) for w in weights)
        self.register_buffer("taps", torch.tensor(self.weights, dtype=torch.float32))

    @property
    def kernel(self) -> Tensor:
        """The kernel in two dimensions (K, K), float64, of sum 1."""
        taps = torch.tensor(self.weights, dtype=torch.float64)
        return torch.outer(taps, taps)

    def measured(self, size: int) -> int:
        """The height (or width) of the measurement of a picture of height (or width) ``size``."""
        if self.preserve_size and self.phase is None:
            return ceil(size / self.factor)
        count = (size - 2 * self.first_place() - len(self.weights)) // self.factor + 1
        if count < 1:
            raise OptionError(
                f"the picture is {size} pixels, which this kernel measures {count} times; "
                f"expected at least {len(self.weights)} pixels, or phase None"
            )
        return count

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, C, H, W)."""
        return self.matrix(x.shape[2], x) @ (x @ self.matrix(x.shape[3], x).T)

    def first_place(self) -> int:
        """Where the kernel's first tap falls for the measured pixel 0."""
        count = len(self.weights)
        if not self.preserve_size:
            return 0
        if self.phase is not None and count % 2:
            return -(count - 1) // 2
        return int((self.factor - count) / 2)

    def matrix(self, size: int, like: Tensor) -> Tensor:
        """The (measured, ``size``) matrix of one axis, in the type and on the device of ``like``."""
        taps = self.taps.to(like.device)
        if like.dtype == torch.float64:  # the buffer has single precision, for devices that have no double
            taps = torch.tensor(self.weights, dtype=torch.float64, device=like.device)
        rows = self.measured(size)
        first = torch.arange(rows, device=like.device)[:, None] * self.factor + self.first_place()
        columns = self.folded(first + torch.arange(len(taps), device=like.device), size)
        zeros = torch.zeros(rows, size, dtype=like.dtype, device=like.device)
        return zeros.scatter_add_(1, columns, taps.to(like.dtype).expand(rows, -1))

    def folded(self, places: Tensor, size: int) -> Tensor:
        """Where in a picture of ``size`` rows (or columns) those places lie that may be beyond its border."""
        if self.mirrored:
            places = places.remainder(2 * size)
            places = torch.minimum(places, 2 * size - 1 - places)
        return places.clamp(0, size - 1)


def check(factor: int, kernel: str, phase: float | None, width: int | None) -> None:
    """Raise OptionError where the options of Downsample cannot be used."""
    if factor != int(factor) or not 2 <= factor <= 8:
        raise OptionError(f"factor is {factor}; expected a whole number from 2 to 8")
    if kernel not in KERNELS:
        raise OptionError(f"kernel is {kernel!r}; expected one of {', '.join(KERNELS)}")
    if phase not in (None, 0, 0.5):
        raise OptionError(f"phase is {phase}; expected 0, 0.5, or None for the middle of each block")
    if kernel == "box" and phase == 0:
        raise OptionError(
            "phase is 0 with kernel 'box'; expected 0.5 or None, for a box is centred on its block"
        )
    if width is not None and (kernel != "box" or width < 1):
        raise OptionError(f"width is {width} with kernel {kernel!r}; expected at least 1, and kernel 'box'")
