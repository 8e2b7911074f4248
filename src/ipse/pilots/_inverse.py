"""A⁻¹ of many small symmetric positive matrices."""

from typing import cast

import torch
from torch import Tensor

FLOOR = 1e-5  # relative increase of the diagonal, for the accuracy of float32


def raised(matrices: Tensor, by: Tensor) -> Tensor:
    """Add ``by`` (…, n) to the diagonals of ``matrices`` (…, n, n), in place."""
    matrices.diagonal(dim1=-2, dim2=-1).add_(by)
    return matrices


def inverse(matrices: Tensor) -> Tensor:
    """Return the inverses of ``matrices`` (…, n, n), after raising their diagonals a little, in place."""
    diagonal = matrices.diagonal(dim1=-2, dim2=-1)
    raised(matrices, FLOOR * diagonal.mean(-1, keepdim=True) + 1e-12)
    # upper factors have LAPACK's layout, which makes them a quarter faster than lower ones
    root = cast(Tensor, torch.linalg.cholesky(matrices, upper=True))  # pyright: ignore[reportUnknownMemberType]
    return torch.cholesky_inverse(root, upper=True)
