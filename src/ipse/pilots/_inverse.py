"""A⁻¹ of many small symmetric positive matrices."""

from typing import cast

import torch
from torch import Tensor

FLOOR = 1e-5  # of the diagonal, added to it: float32 can be no surer of it


def inverse(matrices: Tensor) -> Tensor:
    """Return the inverses of ``matrices`` (…, n, n), whose diagonals are raised a little first."""
    diagonal = matrices.diagonal(dim1=-2, dim2=-1)
    floor = FLOOR * diagonal.mean(-1, keepdim=True) + 1e-12
    raised = matrices + torch.diag_embed(floor.expand(diagonal.shape))
    root = cast(Tensor, torch.linalg.cholesky(raised))  # pyright: ignore[reportUnknownMemberType]
    return torch.cholesky_inverse(root)
