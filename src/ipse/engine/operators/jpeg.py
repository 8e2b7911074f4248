"""The constraints of a JPEG file on the original picture: a cell for every coefficient.

    |A x − c q| ≤ q / 2,      A = block DCT ∘ subsampling ∘ colour transform

x is the picture, c the integers in the file, q the quantisation tables. The cells are convex. The DCT is
orthonormal and subsampling is a box average, so the nearest picture inside has a closed form: clip the
coefficients, transform the difference back, add it. Nearest in the plane metric: Y, Cb, Cr at full size.

If the sides of the picture are not multiples of the blocks, the last blocks reach beyond it, where it is unknown:
`forward` and `distance` repeat the edge, as encoders do; the other methods extend the picture to fit the cells.

Projection: Zakhor 1992, https://doi.org/10.1109/76.134377.
Colour: JFIF 1.02, https://www.w3.org/Graphics/JPEG/jfif3.pdf.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ipse.engine.operators.blurred import levels
from ipse.engine.operators.dct import SIDE, block_dct, block_idct, dct_matrix
from ipse.engine.operators.jpeg_colour import planes_of
from ipse.engine.operators.jpeg_component import Array, Component, Window, as_blocks, as_steps, component
from ipse.engine.operators.operator import Operator
from ipse.engine.operators.truncated import truncated_mean
from ipse.errors import PictureError

_ROUNDS = 12
_PATIENT_ROUNDS = 200  # for the extension that `project` returns
_RELAXATION = 1.8  # over-relaxation of the projections (below 2), which then converge faster
_ALL = (slice(None), slice(None))


class JpegCells(Operator):
    """A: picture (B, C, H, W) in [0, 1] → coefficients (B, N), with the cells of one JPEG file.

    Args:
        coefficients: for each of C = 1, 3 or 4 components its quantised integers c
            (blocks down, blocks across, 8, 8); blocks beyond those that the size needs are left out.
        tables: for each component its quantisation steps q (8, 8), natural (not zigzag) order.
        sampling: for each component its factors (horizontal, vertical), as in the file's frame header.
        size: (H, W) of the picture, pixels.
        ycc: whether the first three components are Y, Cb, Cr; else they are R, G, B, or of four C, M, Y, K.

    Raises:
        PictureError: the parts do not match, or a subsampling factor is not a whole number.
    """

    linear = False  # affine: 128 is subtracted

    dct: Tensor
    mix: Tensor
    unmix: Tensor

    def __init__(
        self,
        coefficients: Sequence[Array],
        tables: Sequence[Array],
        sampling: Sequence[tuple[int, int]],
        *,
        size: tuple[int, int],
        ycc: bool = True,
    ) -> None:
        super().__init__()
        if len(coefficients) not in (1, 3, 4) or not len(coefficients) == len(tables) == len(sampling):
            counts = f"{len(coefficients)} components, {len(tables)} tables, {len(sampling)} samplings"
            raise PictureError(
                f"{counts}: a gray (1), colour (3) or CMYK (4) JPEG is needed; convert the file first"
            )
        self.size, self.sampling, self.ycc = size, tuple(sampling), ycc
        largest = max(h for h, _ in sampling), max(v for _, v in sampling)
        self.unit = (SIDE * largest[1], SIDE * largest[0])
        self.components = tuple(component(i, s, largest, size) for i, s in enumerate(sampling))
        mix, self._shift = planes_of(len(tables), ycc=ycc)
        self.register_buffer("dct", dct_matrix().float(), persistent=False)
        self.register_buffer("mix", mix.float(), persistent=False)
        self.register_buffer("unmix", torch.inverse(mix).float(), persistent=False)
        for part, numbers, table in zip(self.components, coefficients, tables, strict=True):
            self.register_buffer(f"integers{part.channel}", as_blocks(numbers, part), persistent=False)
            self.register_buffer(f"step{part.channel}", as_steps(table), persistent=False)

    @classmethod
    def of_picture(
        cls, x: Tensor, tables: Sequence[Array], sampling: Sequence[tuple[int, int]], *, ycc: bool = True
    ) -> "JpegCells":
        """The cells of a picture x (1, C, H, W) after compression."""
        size = (x.shape[-2], x.shape[-1])
        largest = max(h for h, _ in sampling), max(v for _, v in sampling)
        parts = [component(i, s, largest, size) for i, s in enumerate(sampling)]
        empty = [torch.zeros(*part.blocks, SIDE, SIDE) for part in parts]
        cells = cls(empty, tables, sampling, size=size, ycc=ycc).to(x)
        numbers = [c.round() for c in cells.in_steps(x)]
        return cls(numbers, tables, sampling, size=size, ycc=ycc).to(x)

    def in_steps(self, x: Tensor) -> list[Tensor]:
        """For each component, the coefficients of a picture (1, C, H, W) in steps, not rounded."""
        return [(c / step)[0] for _, c, _, step in self._cells(self._canvas(x))]

    def of_another(self, x: Tensor) -> "JpegCells":
        """The cells of another picture (1, C, H, W), compressed in the same way."""
        tables = [self.get_buffer(f"step{part.channel}") for part in self.components]
        return JpegCells.of_picture(x, tables, self.sampling, ycc=self.ycc)

    def forward(self, x: Tensor) -> Tensor:
        """A x: coefficients (B, N) in levels of 0 … 255, component after component, block after block."""
        return torch.cat([c.flatten(1) for _, c, _, _ in self._cells(self._canvas(x))], dim=1)

    def distance(self, x: Tensor, *, margin: float = 0.5, in_steps: bool = False) -> Tensor:
        """Mean squared distance of x to the cells shrunk to ±margin·q; margin 0 is to their centres.

        In the plane metric, a mean over pixels and channels on the scale of x; or `in_steps`, a mean over
        coefficients, each measured in its own q. Differentiable.
        """
        total, count = x.new_zeros(()), 0
        for part, c, centre, step in self._cells(self._canvas(x)):
            beyond = _excess(c - centre, margin * step)
            scale = 1 / step if in_steps else (part.factor[0] * part.factor[1]) ** 0.5 / 255
            total, count = total + (beyond * scale).square().sum(), count + beyond.numel()
        return total / (count if in_steps else x.numel())

    @torch.no_grad()
    def project(self, x: Tensor, *, margin: float = 0.5, sigma: float = 0.0) -> Tensor:
        """The nearest picture to x with coefficients within ±margin·q of the centres; it may leave [0, 1].

        With sigma, the proximal step u of a restoration whose estimate x errs by sigma (in its scale): of
        ‖u − x‖² / 2σ² + Σ (A u − c q)² / 2(q²/12), the second term a quantiser's error, within the margin.
        """
        canvas = self._continued(x, margin, _ROUNDS)
        self._pull(canvas, margin, sigma=sigma)
        return self._picture(canvas)

    @torch.no_grad()
    def expected(self, x: Tensor, sigma: float, *, blur: float = 0.0) -> Tensor:
        """E[x + n | A (x + n) in the cells], n ~ N(0, sigma²), or `blurred`: the picture that was saved."""
        canvas = self._continued(x, 0.5, _ROUNDS)
        for part, c, centre, step in self._cells(canvas):
            spread = 255 * sigma * levels(part.factor, blur, float(self.mix[part.channel].norm()), self.dct)
            self._move(canvas, part, truncated_mean(centre - step / 2 - c, centre + step / 2 - c, spread))
        return self._picture(canvas)

    @torch.no_grad()
    def project_in_range(self, x: Tensor, *, margin: float = 0.5, rounds: int = 30) -> Tensor:
        """A picture in [0, 1] and, as far as `rounds` alternating projections reach, in the cells."""
        for _ in range(rounds):
            x = self.project(x, margin=margin)
            if x.min() >= 0 and x.max() <= 1:
                return x
            x = x.clamp(0, 1)
        return x

    @torch.no_grad()
    def violation(self, x: Tensor, *, margin: float = 0.5) -> float:
        """How far the worst coefficient of x lies outside ±margin·q, in steps q; 0 within the cells."""
        cells = self._cells(self._continued(x, margin, _PATIENT_ROUNDS))
        return max(
            float((_excess(c - centre, margin * step) / step).abs().max()) for _, c, centre, step in cells
        )

    @torch.no_grad()
    def decode(self) -> Tensor:
        """The picture (1, C, H, W) as viewers show it: the cells' centres, clipped, chroma interpolated."""
        height, width = self.size
        planes: list[Tensor] = []
        empty = self.dct.new_zeros(1, len(self.components), *self._canvas_size())
        for part, _, centre, _ in self._cells(empty):
            down, across = part.factor
            levels = block_idct(centre, self.dct).clamp(-128, 127)
            plane = levels[None, None, : -(-height // down), : -(-width // across)]
            if part.factor != (1, 1):
                scale = float(down), float(across)
                plane = functional.interpolate(plane, scale_factor=scale, mode="bilinear")
            planes.append(plane[..., :height, :width])
        return self._picture(torch.cat(planes, dim=1)).clamp(0, 1)

    def _cells(
        self, canvas: Tensor, window: Window = _ALL
    ) -> Iterator[tuple[Component, Tensor, Tensor, Tensor]]:
        """For each component: its coefficients on the canvas, the cells' centres, and the steps."""
        for part in self.components:
            step: Tensor = self.get_buffer(f"step{part.channel}")
            integers = part.cells(self.get_buffer(f"integers{part.channel}"), window)
            samples = functional.avg_pool2d(part.plane(canvas, window), part.factor)
            yield part, block_dct(samples, self.dct), integers * step, step

    def _pull(
        self,
        canvas: Tensor,
        margin: float,
        window: Window = _ALL,
        *,
        relaxation: float = 1.0,
        sigma: float = 0.0,
    ) -> None:
        """Move the canvas, in place, to the nearest with the window's coefficients within the margin."""
        for part, c, centre, step in self._cells(canvas, window):
            noise = (255 * sigma) ** 2 / (
                part.factor[0] * part.factor[1]
            )  # of a sample, which averages pixels
            kept = (c - centre) / (1 + 12 * noise / step**2)
            self._move(
                canvas, part, relaxation * (centre + kept.clamp(-margin * step, margin * step) - c), window
            )

    def _move(self, canvas: Tensor, part: Component, change: Tensor, window: Window = _ALL) -> None:
        """Add a change of a component's coefficients to the canvas, in place."""
        down, across = part.factor
        moved = block_idct(change, self.dct).repeat_interleave(down, 1).repeat_interleave(across, 2)
        part.plane(canvas, window).add_(moved)

    def _continued(self, x: Tensor, margin: float, rounds: int) -> Tensor:
        """The canvas that shows x, continued past its edges so that the blocks there come near their cells.

        With x held fixed, projecting and putting x back never increases the distance that is left.
        """
        canvas = self._canvas(x)
        known = canvas.clone()
        height, width = self.size
        bottom = slice(height - height % self.unit[0], None)
        right = slice(width - width % self.unit[1], None)
        windows = [(bottom, slice(None))] * (height % self.unit[0] > 0)
        windows += [(slice(None), right)] * (width % self.unit[1] > 0)
        for rows, columns in windows * rounds:
            self._pull(canvas, margin, (rows, columns), relaxation=_RELAXATION)
            seen = (..., slice(rows.start, height), slice(columns.start, width))
            canvas[seen] = known[seen]
        return canvas

    def _canvas_size(self) -> tuple[int, int]:
        height, width = (-(-n // unit) * unit for n, unit in zip(self.size, self.unit, strict=True))
        return height, width

    def _canvas(self, x: Tensor) -> Tensor:
        """Level-shifted planes (B, C, H', W') of x on whole units, the edge repeated."""
        if x.ndim != 4 or x.shape[1:] != (len(self.components), *self.size):
            needed = (len(self.components), *self.size)
            raise PictureError(f"a picture of shape {tuple(x.shape)}: the JPEG needs (B, C, H, W), {needed}")
        planes = torch.einsum("oc,bchw->bohw", self.mix, x * 255) - x.new_tensor(self._shift)[:, None, None]
        height, width = self._canvas_size()
        padding = (0, width - self.size[1], 0, height - self.size[0])
        return functional.pad(planes, padding, mode="replicate") if any(padding) else planes

    def _picture(self, canvas: Tensor) -> Tensor:
        planes = canvas[..., : self.size[0], : self.size[1]] + canvas.new_tensor(self._shift)[:, None, None]
        return torch.einsum("oc,bchw->bohw", self.unmix, planes) / 255


def _excess(difference: Tensor, half: Tensor) -> Tensor:
    return difference - difference.clamp(-half, half)
