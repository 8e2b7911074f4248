"""Magnetic resonance: y_c(k) = F (s_c ⊙ x), the spectra of a picture as each coil sees it.

F is the unitary Fourier transform, with zero frequency at (H // 2, W // 2). Complex samples are pairs of channels,
their real and imaginary parts. Which frequencies were sampled is a weight of the misfit, not part of A.

Pruessmann, Weiger, Scheidegger, Boesiger, "SENSE: sensitivity encoding for fast MRI", 1999,
https://doi.org/10.1002/(SICI)1522-2594(199911)42:5%3C952::AID-MRM16%3E3.0.CO;2-S
"""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.fft import fft2, fftshift, ifftshift  # pyright: ignore[reportUnknownVariableType]  # has no types

from ipse.engine.operators.operator import Operator
from ipse.errors import OptionError

AXES = (-2, -1)


class Coils(Operator):
    """x (B, 2, H, W) → y (B, 2 coils, H, W).

    Args:
        sensitivities: s, complex (coils, H, W).

    Raises:
        OptionError: they are not such an array.
    """

    def __init__(self, sensitivities: NDArray[np.complexfloating]) -> None:
        super().__init__()
        maps = np.asarray(sensitivities)
        if maps.ndim != 3 or maps.dtype.kind != "c" or not maps.size:
            raise OptionError(
                f"sensitivities are {maps.dtype} of shape {maps.shape}; expected complex (coils, H, W)"
            )
        self.register_buffer(
            "maps", torch.view_as_real(torch.from_numpy(maps.astype(np.complex64))), persistent=False
        )

    maps: Tensor  #: (coils, H, W, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Measure x (B, 2, H, W)."""
        seen = torch.view_as_complex(self.maps) * joined(x)
        spectrum = cast(Tensor, fftshift(fft2(ifftshift(seen, AXES), norm="ortho"), AXES))
        return parted(spectrum)


def joined(pairs: Tensor) -> Tensor:
    """Pairs of channels (B, 2 C, H, W) as complex channels (B, C, H, W)."""
    return torch.view_as_complex(pairs.unflatten(1, (-1, 2)).movedim(2, -1).contiguous())


def parted(channels: Tensor) -> Tensor:
    """Undoes ``joined``: complex channels (B, C, H, W) as pairs (B, 2 C, H, W)."""
    return torch.view_as_real(channels).movedim(-1, 2).flatten(1, 2)
