"""The mask: y = m ⊙ x with m ∈ {0, 1}, when only some pixels were measured (inpainting). M² = M = Mᵀ."""

from torch import Tensor

from ipse.engine.operators.operator import Operator
from ipse.errors import MaskError


class Mask(Operator):
    """x (B, C, H, W) → x where it is known, 0 elsewhere.

    ``known`` is true (or 1) at measured pixels, of a shape that broadcasts to x: (H, W), (1, 1, H, W), ….
    Raises MaskError if it contains other values than 0 and 1, or does not match x.
    """

    known: Tensor

    def __init__(self, known: Tensor) -> None:
        super().__init__()
        if not bool(((known == 0) | (known == 1)).all()):
            raise MaskError(
                "the mask holds values other than 0 and 1; expected 1 where a pixel is known, else 0"
            )
        self.register_buffer("known", known.float())

    def forward(self, x: Tensor) -> Tensor:
        """The known pixels of x (B, C, H, W)."""
        if self.known.shape[-2:] != x.shape[-2:]:
            mask, picture = tuple(self.known.shape[-2:]), tuple(x.shape[-2:])
            raise MaskError(f"the mask is {mask} pixels; expected {picture}, the size of the picture")
        return x * self.known.to(x.dtype)
