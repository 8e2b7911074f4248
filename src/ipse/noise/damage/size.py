"""Large pictures are searched at a fraction of their size: there, damage that can be seen is larger too."""

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 20  # pixels that are searched


def shrunk_to_fit(y: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """A picture (C, H, W) of at most about ``MOST`` pixels, means of squares; and their side."""
    factor = int(np.ceil(np.sqrt(y.shape[1] * y.shape[2] / MOST)))
    if factor <= 1:
        return y, 1
    beyond = [(0, -side % factor) for side in y.shape[1:]]
    wide = np.pad(y, [(0, 0), *beyond], mode="edge")
    shape = (len(y), wide.shape[1] // factor, factor, wide.shape[2] // factor, factor)
    return wide.reshape(shape).mean((2, 4), dtype=np.float32), factor


def large(mask: NDArray[np.bool_], factor: int, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask of the shrunk picture, at the picture's size."""
    return mask.repeat(factor, 0).repeat(factor, 1)[: size[0], : size[1]]
