"""One plane of a JPEG file: F = (F_v, F_h) picture pixels to a sample, in ⌈H / 8 F_v⌉ × ⌈W / 8 F_h⌉ blocks.

ITU-T T.81, A.1.1: https://www.w3.org/Graphics/JPEG/itu-t81.pdf.
"""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ipse.engine.operators.dct import SIDE
from ipse.errors import PictureError

Array = NDArray[Any] | Tensor
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Component:
    """One plane of the file: how many picture pixels one of its samples covers, and its blocks."""

    channel: int
    factor: tuple[int, int]
    blocks: tuple[int, int]

    def plane(self, canvas: Tensor, window: Window) -> Tensor:
        """A view of the pixels (B, h, w) of this component's own blocks within a window of pixels."""
        height, width = (n * SIDE * f for n, f in zip(self.blocks, self.factor, strict=True))
        rows, columns = window
        return canvas[:, self.channel, rows.start or 0 : height, columns.start or 0 : width]

    def cells(self, table_of_blocks: Tensor, window: Window) -> Tensor:
        """The part of (blocks down, blocks across, 8, 8) that belongs to the window."""
        down, across = ((s.start or 0) // (SIDE * f) for s, f in zip(window, self.factor, strict=True))
        return table_of_blocks[down:, across:]


def component(
    channel: int, sampling: tuple[int, int], largest: tuple[int, int], size: tuple[int, int]
) -> Component:
    """The component for a picture of `size` (H, W); sampling, its own and the largest: (across, down)."""
    if any(big % own for big, own in zip(largest, sampling, strict=True)):
        raise PictureError(
            f"sampling {sampling} beside {largest}: whole-number subsampling is needed; re-save as 4:4:4"
        )
    down, across = largest[1] // sampling[1], largest[0] // sampling[0]
    blocks = -(-size[0] // (SIDE * down)), -(-size[1] // (SIDE * across))
    return Component(channel, (down, across), blocks)


def as_blocks(numbers: Array, part: Component) -> Tensor:
    """The integers (blocks down, blocks across, 8, 8), float32, of the blocks that the component needs."""
    integers = torch.as_tensor(numbers).float()
    down, across = part.blocks
    found = tuple(integers.shape)
    if len(found) != 4 or found[2:] != (SIDE, SIDE) or found[0] < down or found[1] < across:
        raise PictureError(
            f"coefficients of shape {found}: the picture's size needs ({down}, {across}, {SIDE}, {SIDE})"
        )
    return integers[:down, :across].clone()


def as_steps(table: Array) -> Tensor:
    """The quantisation steps (8, 8), float32."""
    steps = torch.as_tensor(table).float()
    if steps.shape != (SIDE, SIDE) or steps.min() < 1:
        raise PictureError(
            f"a quantisation table of shape {tuple(steps.shape)}: (8, 8) steps of at least 1 are needed"
        )
    return steps.clone()
