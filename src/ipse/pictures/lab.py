"""a* = s − 128: CIELab's signed axes in offset binary, so that similar colours have similar sample values.

TIFF (photometric 8) and Pillow store them in two's complement, in which −1 and 0 are at opposite ends of the range.
"""

import numpy as np

from ipse.pictures.levels import Samples


def signs_turned(samples: Samples) -> Samples:
    """Convert between two's complement and offset binary, in either direction; (H, W, 3), 8 or 16 unsigned bits."""
    if samples.dtype.kind != "u" or samples.dtype.itemsize > 2:
        return samples
    half = 1 << (8 * samples.dtype.itemsize - 1)
    return samples ^ np.array([0, half, half], samples.dtype)
