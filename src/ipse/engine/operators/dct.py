"""The block transform of JPEG: C = D P Dᵀ for every 8×8 block P of a plane, D the orthonormal DCT-II.

D_ui = √(2/8) cos(π u (2i + 1) / 16), its first row divided by √2, so that D Dᵀ = 1: distances between planes
are distances between coefficients. With pixels shifted to −128 … 127 they are what JPEG quantises.

ITU-T T.81, A.3.3: https://www.w3.org/Graphics/JPEG/itu-t81.pdf
"""

import math

import torch
from torch import Tensor

SIDE = 8


def dct_matrix(side: int = SIDE) -> Tensor:
    """The orthonormal DCT-II matrix, float64 (side, side): row u is the cosine of frequency u."""
    place = torch.arange(side, dtype=torch.float64)
    matrix = torch.cos(math.pi / side * torch.outer(place, place + 0.5)) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix


def block_dct(plane: Tensor, matrix: Tensor) -> Tensor:
    """Coefficients (…, H/8, W/8, 8, 8) of a plane (…, H, W), its sides multiples of the matrix's."""
    side = matrix.shape[0]
    *lead, height, width = plane.shape
    rows = (plane.reshape(-1, side) @ matrix.T).reshape(-1, height // side, side, width // side, side)
    blocks = matrix @ rows.transpose(2, 3)
    return blocks.reshape(*lead, height // side, width // side, side, side)


def block_idct(coefficients: Tensor, matrix: Tensor) -> Tensor:
    """The plane (…, H, W) of coefficients (…, H/8, W/8, 8, 8); inverse and adjoint of `block_dct`."""
    side = matrix.shape[0]
    *lead, down, across, _, _ = coefficients.shape
    rows = (matrix.T @ (coefficients.reshape(-1, side) @ matrix).reshape(coefficients.shape)).transpose(
        -3, -2
    )
    return rows.reshape(*lead, down * side, across * side)
