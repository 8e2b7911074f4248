"""A JPEG that was cropped: its whole blocks are restored as such, the few pixels around them as noise.

Of a block that was cut nobody knows the coefficients. What is left of it, up to seven pixels at each side, has the
error that the tables give to all pixels, and is denoised with what was restored beside it.
"""

from collections.abc import Callable
from dataclasses import replace
from math import hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ipse.engine.operators.jpeg import JpegCells
    from ipse.engine.problem import Problem

Place = tuple[slice, slice]
SIDE = 8  # pixels of a block


def whole_blocks(size: tuple[int, int], offset: tuple[int, int]) -> Place:
    """The rows and columns of the whole blocks in a picture (H, W) whose first one begins at an offset.

    Where the grid begins at the picture's own corner, the file has seen all of it, and that is the place.
    """
    if offset == (0, 0):
        return slice(0, size[0]), slice(0, size[1])
    ends = [first + (length - first) // SIDE * SIDE for length, first in zip(size, offset, strict=True)]
    return slice(offset[0], ends[0]), slice(offset[1], ends[1])


def framed(
    problem: "Problem", y: "Tensor", cells: "JpegCells", place: Place, *, sigma: float = 0.0
) -> "Problem":
    """The problem of the whole picture y (1, C, H, W), from that of its whole blocks; σ is noise besides the JPEG's."""
    if tuple(y[..., *place].shape) == tuple(y.shape):
        return problem
    return replace(problem, outputs=_outputs(problem.outputs, y, place, hypot(_level(cells), sigma)))


def _level(cells: "JpegCells") -> float:
    """σ of what quantisation has added to a pixel of luma, in [0, 1]: coefficients err by q/√12."""
    step: Tensor = cells.get_buffer("step0")
    centres: Tensor = cells.get_buffer("integers0")
    alive = (centres != 0).float().mean((0, 1))  # where a cell holds 0, mostly, there was little to lose
    return float((alive * step.square() / 12).mean().sqrt()) / 255


def _outputs(
    inner: "Callable[[Tensor], Tensor]", y: "Tensor", place: Place, level: float
) -> "Callable[[Tensor], Tensor]":
    import torch

    from ipse.pilots.non_local import non_local

    around = torch.ones_like(y[:, :1], dtype=torch.bool)
    around[..., *place] = False

    def outputs(x: "Tensor") -> "Tensor":
        whole = y.clone()
        whole[..., *place] = inner(x)
        denoised = non_local(whole, level, preset="once", where=around)
        return torch.where(around, denoised.clamp(0, 1), whole)

    return outputs
