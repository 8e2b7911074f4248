"""y = M x with a sparse matrix M, whose gradient is Mᵀ: both are stored by rows, so that neither has to be sorted."""

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Entries = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]  # rows, columns, values


PARTS = ("starts", "places", "values")


class Sparse(nn.Module):
    """x (…, columns) → M x (…, rows), in single precision.

    Args:
        entries: parts of the matrix: rows, columns and values.
        shape: (rows, columns).
    """

    def __init__(self, entries: Iterable[Entries], shape: tuple[int, int]) -> None:
        super().__init__()
        from scipy.sparse import csr_array

        rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
        self.shape = shape
        own: Any = csr_array((values, (rows, columns)), shape=shape)
        for turned, one in ((False, own), (True, own.T.tocsr())):
            parts = (one.indptr.astype(np.int32), one.indices.astype(np.int32), one.data)
            for name, part in zip(PARTS, parts, strict=True):
                self.register_buffer(f"{name}{turned:d}", torch.from_numpy(part), persistent=False)

    def matrix(self, *, turned: bool) -> Tensor:
        """M, or Mᵀ."""
        starts, places, values = (getattr(self, f"{name}{turned:d}") for name in PARTS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch says once that its sparse matrices are in beta
            size = self.shape[::-1] if turned else self.shape
            return torch.sparse_csr_tensor(starts, places, values, size=size, check_invariants=False)

    def forward(self, x: Tensor) -> Tensor:
        """M x."""
        y: Any = _Product.apply(x.reshape(-1, x.shape[-1]), self, False)
        return y.reshape(*x.shape[:-1], self.shape[0])


class _Product(torch.autograd.Function):
    """(M, x) ↦ M x for rows x, or Mᵀ x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, sparse: Sparse, turned: bool) -> Tensor:
        """The product."""
        ctx.sparse, ctx.turned = sparse, turned
        return (sparse.matrix(turned=turned) @ x.float().T).T.to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """The gradient, which is the product with the other."""
        return _Product.apply(gradients[0], ctx.sparse, not ctx.turned), None, None
