"""x ← x + U(y − A x): iterative back-projection, which makes the downsampled estimate match y.

A is downsampling and U upsampling; x starts as U y. Converges to A x = y if ‖1 − A U‖ < 1, which bicubic resizing
fulfils, and in one step if U is the pseudo-inverse of A.

Irani and Peleg, "Improving resolution by image registration", 1991: https://doi.org/10.1016/1049-9652(91)90045-L
"""

from collections.abc import Callable, Iterator

from torch import Tensor


def back_projection(
    y: Tensor,
    downsample: Callable[[Tensor], Tensor],
    upsample: Callable[[Tensor], Tensor],
    *,
    steps: int = 8,
) -> Iterator[Tensor]:
    """Yield U y, then the estimate after each step.

    Args:
        y: the small picture (1, C, h, w).
        downsample: A, a large picture (1, C, H, W) → a small one.
        upsample: U, a small picture → a large one; bicubic resizing, or the pseudo-inverse of A.
        steps: how many.
    """
    x = upsample(y)
    yield x
    for _ in range(steps):
        x = x + upsample(y - downsample(x))
        yield x
