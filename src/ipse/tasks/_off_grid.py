"""A cropped JPEG: whole blocks are restored as JPEG, the few pixels around them by denoising.

The coefficients of a block that was cut are not known. Its remaining pixels, up to seven at each side, have the error
level that follows from the quantisation tables, and are denoised together with the restored blocks beside them.
"""

from collections.abc import Callable
from dataclasses import replace
from math import hypot

import torch
from torch import Tensor

from ipse.engine.operators.jpeg import JpegCells
from ipse.engine.problem import Problem
from ipse.pilots.non_local import non_local

Place = tuple[slice, slice]
SIDE = 8  # side of a block, in pixels


def whole_blocks(size: tuple[int, int], offset: tuple[int, int]) -> Place:
    """The rows and columns covered by whole blocks in a picture (H, W) whose block grid starts at ``offset``.

    With no offset this is the whole picture, because the file then contains its border blocks completely.
    """
    if offset == (0, 0):
        return slice(0, size[0]), slice(0, size[1])
    ends = [first + (length - first) // SIDE * SIDE for length, first in zip(size, offset, strict=True)]
    return slice(offset[0], ends[0]), slice(offset[1], ends[1])


def framed(problem: Problem, y: Tensor, cells: JpegCells, place: Place, *, sigma: float = 0.0) -> Problem:
    """Extend the whole blocks' problem to the picture y (1, C, H, W); ``sigma`` is noise besides the JPEG error."""
    if tuple(y[..., *place].shape) == tuple(y.shape):
        return problem
    return replace(problem, outputs=_outputs(problem.outputs, y, place, hypot(_level(cells), sigma)))


def _level(cells: JpegCells) -> float:
    """σ of the quantisation error of a luma pixel, in [0, 1]; each coefficient has an error of q/√12."""
    step: Tensor = cells.get_buffer("step0")
    centres: Tensor = cells.get_buffer("integers0")
    alive = (centres.round() != 0).float().mean((0, 1))  # coefficients that are mostly 0 had little to lose
    return float((alive * step.square() / 12).mean().sqrt()) / 255


def _outputs(
    inner: Callable[[Tensor], Tensor], y: Tensor, place: Place, level: float
) -> Callable[[Tensor], Tensor]:
    around = torch.ones_like(y[:, :1], dtype=torch.bool)
    around[..., *place] = False

    def outputs(x: Tensor) -> Tensor:
        whole = y.clone()
        whole[..., *place] = inner(x)
        denoised = non_local(whole, level, preset="once", where=around)
        return torch.where(around, denoised.clamp(0, 1), whole)

    return outputs
