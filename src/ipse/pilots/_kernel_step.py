"""argmin_k ‖m ⊙ (k ∗ ∇x − ∇y)‖² + γ ‖k‖², then k ≥ 0, Σ k = 1: the kernel between a sharp picture and a blurred one.

The quadratic problem is solved on the kernel's support by conjugate gradients. Then what is small or stands alone is
removed, and the kernel is moved so that its centre of gravity is in the middle.
"""

from typing import cast

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.fft import irfft2  # pyright: ignore[reportUnknownVariableType]  # torch.fft has no types
from torch.nn.functional import pad

from ipse.pilots._canvas import Canvas, spectrum

RIDGE = 2.0  # γ
STEPS = 25  # conjugate gradients
SMALL = 0.05  # of the largest value: less is no part of the kernel
ALONE = 0.1  # of the light: a separate part with less is no part of the kernel either


@torch.no_grad()
def kernel_between(canvas: Canvas, x: Tensor, side: int) -> Tensor:
    """k (side, side), before it is tidied; x is on the canvas, and of one channel like y."""
    reach, size = side // 2, canvas.size
    known = canvas.inside * canvas.inside.roll(-1, 2) * canvas.inside.roll(-1, 3)
    edges, wanted = spectrum(_slopes(x)), known * _slopes(canvas.laid)

    def blurred(k: Tensor) -> Tensor:
        laid = pad(k, (0, size[1] - side, 0, size[0] - side)).roll((-reach, -reach), (0, 1))
        return known * cast(Tensor, irfft2(edges * spectrum(laid), s=size))

    def back(e: Tensor) -> Tensor:
        found = cast(Tensor, irfft2((edges.conj() * spectrum(e)).sum(0), s=size))
        return found[0].roll((reach, reach), (0, 1))[:side, :side]

    k = x.new_zeros(side, side)
    residual = direction = back(wanted)
    power = least = residual.square().sum()
    for _ in range(STEPS):
        if power <= 1e-10 * least:
            break
        image = back(blurred(direction)) + RIDGE * direction
        length = power / (direction * image).sum().clamp_min(1e-20)
        k, residual = k + length * direction, residual - length * image
        power, before = residual.square().sum(), power
        direction = residual + power / before.clamp_min(1e-20) * direction
    return k


def tidied(k: Tensor, *, small: float = SMALL, alone: float = ALONE) -> Tensor:
    """The kernel without negative, small and isolated values, of sum 1, in the middle; a point if all is lost."""
    values = k.clamp_min(0).cpu().numpy().astype(np.float64)
    values[values < small * values.max()] = 0
    if values.sum() <= 0:
        values[tuple(side // 2 for side in values.shape)] = 1
    labels, count = cast(tuple[np.ndarray, int], ndimage.label(values, np.ones((3, 3))))
    shares = np.asarray(ndimage.sum(values, labels, range(1, count + 1))) / values.sum()
    for index, share in enumerate(shares):
        if share < min(alone, shares.max()):
            values[labels == index + 1] = 0
    return torch.from_numpy(_centred(values)).to(k)


def _centred(values: np.ndarray) -> np.ndarray:
    """The kernel, moved by whole pixels, of sum 1."""
    middle = ndimage.center_of_mass(values)
    by = [round(side // 2 - at) for side, at in zip(values.shape, middle, strict=True)]
    moved = np.zeros_like(values)
    moved_to, taken = zip(
        *(_overlap(side, step) for side, step in zip(values.shape, by, strict=True)), strict=True
    )
    moved[moved_to] = values[taken]
    return moved / moved.sum()


def _overlap(side: int, by: int) -> tuple[slice, slice]:
    """Where a side that is moved by so many pixels lands within itself, and what of it."""
    return slice(max(0, by), side + min(0, by)), slice(max(0, -by), side + min(0, -by))


def _slopes(x: Tensor) -> Tensor:
    """∇x (2, 1, H, W) on the torus."""
    return torch.cat([x.roll(-1, 2) - x, x.roll(-1, 3) - x])
