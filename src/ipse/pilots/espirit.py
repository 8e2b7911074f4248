"""Coils' sensitivities from the fully sampled centre of k-space.

Every small window of k-space lies in the row space of the calibration matrix, whose rows are all windows of the
centre. In the picture, projecting on this space multiplies the coils' values at each pixel by a small Hermitian
matrix, and the sensitivities are its eigenvector of eigenvalue 1. Where nothing is, no eigenvalue comes near 1.

Uecker, Lai, Murphy, Virtue, Elad, Pauly, Vasanawala, Lustig, "ESPIRiT – an eigenvalue approach to autocalibrating
parallel MRI", 2014, https://doi.org/10.1002/mrm.24751
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Complex = NDArray[np.complexfloating]

KERNEL = 6  # side of a window
LEAST = 12  # side of the smallest centre that says enough
MOST = 32  # of a larger centre, no more is used
RANK = 0.02  # smallest singular value of the row space, relative to the largest


def sensitivities(centre: Complex, size: tuple[int, int], *, crop: float = 0.0) -> Complex:
    """The sensitivities s of coils, with Σ |s|² = 1.

    Args:
        centre: the centre of k-space (coils, h, w), h and w at least KERNEL.
        size: (H, W) of the picture.
        crop: where the eigenvalue is smaller, s is 0.

    Returns:
        complex (coils, H, W), the first real and not negative.
    """
    coils = len(centre)
    windows = sliding_window_view(centre, (KERNEL, KERNEL), (1, 2)).transpose(1, 2, 0, 3, 4)
    _, values, rows = np.linalg.svd(windows.reshape(-1, coils * KERNEL**2), full_matrices=False)
    kernels = rows[values > RANK * values[0]].reshape(-1, coils, KERNEL, KERNEL)
    matrix = np.zeros((*size, coils, coils), np.complex64)
    for kernel in kernels:
        seen = np.moveaxis(pictures(kernel, size), 0, -1) * (size[0] * size[1]) ** 0.5 / KERNEL
        matrix += seen[..., :, None] * seen[..., None, :].conj()
    values, vectors = np.linalg.eigh(matrix)
    found = np.moveaxis(vectors[..., -1], -1, 0)
    found = found * np.exp(-1j * np.angle(found[:1]))
    return (found * (values[..., -1] >= crop)).astype(np.complex64)


def low(centre: Complex, size: tuple[int, int]) -> Complex:
    """The coils' pictures (coils, H, W) at the resolution of the centre of k-space (coils, h, w), without ringing."""
    down, across = (np.hanning(side + 2)[1:-1] for side in centre.shape[1:])
    return pictures(centre * down[:, None] * across, size)


def pictures(spectrum: Complex, size: tuple[int, int]) -> Complex:
    """The pictures (C, H, W) of the centre of a spectrum (C, h, w), all else being 0."""
    whole = np.zeros((len(spectrum), *size), np.complex64)
    top, left = (side // 2 - part // 2 for side, part in zip(size, spectrum.shape[1:], strict=True))
    whole[:, top : top + spectrum.shape[1], left : left + spectrum.shape[2]] = spectrum
    turned = np.fft.ifft2(np.fft.ifftshift(whole, (1, 2)), norm="ortho")
    return np.fft.fftshift(turned, (1, 2)).astype(np.complex64)
