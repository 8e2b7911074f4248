"""A⁻¹ of many small symmetric positive matrices."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import torch
from torch import Tensor

FLOOR = 1e-5  # of the diagonal, added to it: float32 can be no surer of it


def inverse(matrices: Tensor) -> Tensor:
    """Return the inverses of ``matrices`` (…, n, n), whose diagonals are raised a little first.

    LAPACK takes the matrices of a batch one after the other on one core, so each core gets its share.
    """
    diagonal = matrices.diagonal(dim1=-2, dim2=-1)
    floor = FLOOR * diagonal.mean(-1, keepdim=True) + 1e-12
    flat = (matrices + torch.diag_embed(floor.expand(diagonal.shape))).flatten(0, -3)
    shares = 1 if flat.is_cuda else torch.get_num_threads()
    if shares == 1:
        return _inverse(flat).view(matrices.shape)
    with ThreadPoolExecutor(shares) as threads:
        return torch.cat(list(threads.map(_inverse, flat.chunk(shares)))).view(matrices.shape)


def _inverse(matrices: Tensor) -> Tensor:
    with torch.no_grad():  # a thread has its own switch
        root = cast(Tensor, torch.linalg.cholesky(matrices))  # pyright: ignore[reportUnknownMemberType]
        return torch.cholesky_inverse(root)
