"""Y, Cb, Cr in TIFF (photometric 6): what is decoded here, and what is left to Pillow.

Pillow below 13 takes uncompressed pixels for four bytes each and calls the file truncated.
"""

import numpy as np
import tifffile
from PIL import Image

from ipse.pictures.levels import Samples

YCBCR, UNCOMPRESSED, SUBSAMPLING = 6, 1, 530
JPEG = (6, 7, 33007)  # compressions that arrive as RGB


def left_to_pillow(page: tifffile.TiffPage) -> bool:
    """Whether a page is YCbCr that is neither a JPEG nor three bytes per pixel."""
    compression = int(page.compression)
    whole = page.dtype == np.uint8 and page.tags.valueof(SUBSAMPLING) == (1, 1)
    return (
        int(page.photometric) == YCBCR
        and compression not in JPEG
        and not (compression == UNCOMPRESSED and whole)
    )


def as_rgb(page: tifffile.TiffPage, samples: Samples) -> Samples:
    """Convert the samples (H, W, 3) of a page, if they are uncompressed YCbCr."""
    if int(page.photometric) != YCBCR or int(page.compression) != UNCOMPRESSED:
        return samples
    return np.asarray(Image.fromarray(samples, "YCbCr").convert("RGB"))
