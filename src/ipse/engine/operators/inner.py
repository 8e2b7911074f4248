"""The inner part of a picture: y(p) = x(p + start). Measurements near a border depend on pixels beyond it."""

from torch import Tensor

from ipse.engine.operators.operator import Operator
from ipse.errors import OptionError


class Inner(Operator):
    """x (B, C, H, W) → x without ``top``, ``bottom``, ``left`` and ``right`` rows and columns.

    Raises OptionError if nothing would be left.
    """

    def __init__(self, *, top: int, bottom: int, left: int, right: int) -> None:
        super().__init__()
        self.top, self.bottom, self.left, self.right = top, bottom, left, right

    @classmethod
    def seen_through(cls, size: tuple[int, int]) -> "Inner":
        """The part of a picture whose blur by a psf of ``size`` (K, L) does not depend on pixels beyond the picture."""
        (top, bottom), (left, right) = ((side - 1 - side // 2, side // 2) for side in size)
        return cls(top=top, bottom=bottom, left=left, right=right)

    def forward(self, x: Tensor) -> Tensor:
        """The inner part of x (B, C, H, W)."""
        height, width = x.shape[-2:]
        bottom, right = height - self.bottom, width - self.right
        if bottom <= self.top or right <= self.left:
            raise OptionError(f"x is {height}×{width} pixels; expected more than what is cut off its border")
        return x[..., self.top : bottom, self.left : right]
