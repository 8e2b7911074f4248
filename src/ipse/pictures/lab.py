"""a* = s − 128: CIELab's signed axes as unsigned samples, so that neighbouring colours are neighbouring numbers.

TIFF (photometric 8) and Pillow store them in two's complement, where −1 lies at the other end of the scale from 0.
"""

import numpy as np

from ipse.pictures.levels import Samples


def signs_turned(samples: Samples) -> Samples:
    """Between two's complement and offset binary, either way: (H, W, 3) of 8 or 16 unsigned bits alone."""
    if samples.dtype.kind != "u" or samples.dtype.itemsize > 2:
        return samples
    half = 1 << (8 * samples.dtype.itemsize - 1)
    return samples ^ np.array([0, half, half], samples.dtype)
