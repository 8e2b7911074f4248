"""y = m ⊙ (k ∗ x) + n on a canvas that extends beyond y as far as k reaches, so that nothing is said of the border.

The canvas is a torus, large enough that what wraps around is never seen; convolutions are products of spectra.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.fft import irfft2, rfft2  # pyright: ignore[reportUnknownVariableType]  # torch.fft has no types
from torch.nn.functional import pad

PRIMES = (2, 3, 5)  # sides that are products of these have fast transforms


class Canvas:
    """A measurement y (1, C, h, w), a kernel k (K, L), and the canvas (H, W) on which x is sought."""

    def __init__(self, y: Tensor, kernel: Tensor) -> None:
        (height, width), (tall, wide) = y.shape[-2:], kernel.shape
        self.y, self.seen = (
            y,
            (height + tall - 1, width + wide - 1),
        )  #: the part of the canvas that y depends on
        self.size = (fast(self.seen[0]), fast(self.seen[1]))
        top, left = tall - 1 - tall // 2, wide - 1 - wide // 2
        self.margins = (left, self.size[1] - width - left, top, self.size[0] - height - top)
        spread = y.new_zeros(self.size)
        spread[:tall, :wide] = kernel.to(y)
        self.spectrum = spectrum(spread.roll((-(tall // 2), -(wide // 2)), (0, 1)))
        self.inside = pad(torch.ones_like(y[:, :1]), self.margins)
        self.laid = pad(y, self.margins)

    def blurred(self, x: Tensor) -> Tensor:
        """k ∗ x, of the canvas."""
        return self.filtered(x, self.spectrum)

    def filtered(self, x: Tensor, by: Tensor) -> Tensor:
        """x with its spectrum multiplied by ``by``."""
        return cast(Tensor, irfft2(spectrum(x) * by, s=self.size))

    def extended(self) -> Tensor:
        """y on the canvas, its last pixels repeated beyond the border."""
        return pad(self.y, self.margins, mode="replicate")

    def wrapped(self) -> Tensor:
        """y on the canvas, with a straight slope from each border to the opposite one, around the torus."""
        left, right, top, bottom = self.margins
        return _bridged(_bridged(self.y, 3, left, right), 2, top, bottom)

    def inner(self, x: Tensor) -> Tensor:
        """The part of the canvas that lies under y, (1, C, h, w)."""
        left, _, top, _ = self.margins
        return x[..., top : top + self.y.shape[-2], left : left + self.y.shape[-1]]

    def cropped(self, x: Tensor) -> Tensor:
        """The part of the canvas that y depends on, (1, C, h + K − 1, w + L − 1)."""
        return x[..., : self.seen[0], : self.seen[1]]

    def replaced(self, x: Tensor, part: Tensor) -> Tensor:
        """x with another such part."""
        x = x.clone()
        x[..., : self.seen[0], : self.seen[1]] = part
        return x

    @property
    def unclipped(self) -> Tensor:
        """m: the samples that were seen and not clipped."""
        return self.inside * ((self.laid > 0) & (self.laid < 1)).to(self.y)

    def known(self, x: Tensor) -> Tensor:
        """m: the samples that were seen, except where k ∗ x is beyond the end at which they were clipped."""
        seen = self.blurred(x)
        beyond = ((self.laid >= 1) & (seen > 1)) | ((self.laid <= 0) & (seen < 0))
        return self.inside * (~beyond).to(self.y)

    def solved(
        self,
        x: Tensor,
        prior: Callable[[Tensor], Tensor],
        *,
        pull: Tensor,
        stiff: Tensor | float,
        known: Tensor,
        steps: int,
    ) -> Tensor:
        """Solve (Kᵀ m K + P) x = Kᵀ m y + P v by preconditioned conjugate gradients.

        Args:
            x: the canvas to start from.
            prior: P, a symmetric function.
            pull: v.
            stiff: the spectrum of P, roughly.
            known: m on the canvas, 0 or 1.
            steps: number of iterations.
        """
        inverse, adjoint = 1 / (self.spectrum.abs().square() + stiff + 1e-6), self.spectrum.conj()
        misfit = self.filtered(known * (self.laid - self.blurred(x)), adjoint)
        residual = misfit - prior(x - pull)
        ahead = direction = self.filtered(residual, inverse)
        power = (residual * ahead).sum()
        for _ in range(steps):
            image = self.filtered(known * self.blurred(direction), adjoint) + prior(direction)
            length = power / (direction * image).sum().clamp_min(1e-20)
            x, residual = x + length * direction, residual - length * image
            ahead = self.filtered(residual, inverse)
            power, before = (residual * ahead).sum(), power
            direction = ahead + power / before.clamp_min(1e-20) * direction
        return x


def spectrum(x: Tensor) -> Tensor:
    """The transform of a real picture over its last two axes."""
    return cast(Tensor, rfft2(x))


def slopes(size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
    """The spectra of the differences of neighbours, down and across, on a torus of that size."""
    down, across = like.new_zeros(size), like.new_zeros(size)
    down[0, 0] -= 1
    down[-1, 0] += 1
    across[0, 0] -= 1
    across[0, -1] += 1
    return spectrum(down), spectrum(across)


def _bridged(y: Tensor, axis: int, before: int, after: int) -> Tensor:
    """y with that many more rows or columns on either side, which lead from its last to its first."""
    first, last = y.narrow(axis, 0, 1), y.narrow(axis, y.shape[axis] - 1, 1)
    share = torch.arange(1, before + after + 1, device=y.device, dtype=y.dtype) / (before + after + 1)
    share = share.reshape(-1, 1) if axis == 2 else share
    bridge = last + share * (first - last)
    return torch.cat([bridge.narrow(axis, after, before), y, bridge.narrow(axis, 0, after)], axis)


def fast(side: int) -> int:
    """The next side that has a fast transform."""
    while not _smooth(side):
        side += 1
    return side


def _smooth(side: int) -> bool:
    for prime in PRIMES:
        while side % prime == 0:
            side //= prime
    return side == 1
