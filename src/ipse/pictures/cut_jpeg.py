"""Truncated JPEG files, from incomplete copies or written by some cameras: the part that exists is decoded.

JPEG variants that ipse does not read are reported here too, since they are not damaged.
"""

import io
import struct

import numpy as np
from PIL import Image

from ipse.errors import PictureError
from ipse.pictures.jpeg import FRAMES as USUAL
from ipse.pictures.jpeg import PROGRESSIVE, segments

END = b"\xff\xd9"
LOSSLESS_LS = 0xF7
FRAMES = {*USUAL, LOSSLESS_LS}
MOST = 0.75  # largest fraction of rows that may be missing
NOTHING = 128  # value that the decoder returns for missing data


def whole(image: Image.Image, data: bytes) -> tuple[Image.Image, tuple[str, ...]]:
    """Decode an opened image, after completing a JPEG that is truncated.

    Returns:
        The image, and what is to be said of it.

    Raises:
        OSError: another format is truncated, or nothing of the JPEG is left.
    """
    try:
        image.load()
    except OSError as error:
        if image.format != "JPEG" or "truncated" not in str(error):
            raise
        ended = Image.open(io.BytesIO(data + END), formats=("JPEG",))
        ended.load()
        return ended, noted(ended, data)
    return image, ()


def noted(image: Image.Image, data: bytes) -> tuple[str, ...]:
    """Describe what is missing in a truncated file.

    Raises:
        OSError: everything is missing.
    """
    samples = np.asarray(image).reshape(image.height, -1)
    there = np.flatnonzero((np.abs(samples.astype(np.int16) - NOTHING) > 1).any(axis=1))
    missing = image.height - 1 - int(there[-1]) if len(there) else image.height
    if missing >= MOST * image.height:
        raise OSError("almost all of it is missing")
    if missing:
        return (f"is cut short: of {image.height} rows the last {missing} are missing, and gray",)
    if any(marker in PROGRESSIVE for marker, _ in segments(data)):
        return ("has no end marker: finer detail may be missing",)
    return ()


def check_kind(data: bytes, *, name: str) -> None:
    """Reject valid JPEG variants that ipse does not read.

    Raises:
        PictureError: the message names the variant.
    """
    try:
        marker, body = next(found for found in segments(data) if found[0] in FRAMES)
    except (StopIteration, ValueError, IndexError, struct.error):
        return
    if marker == LOSSLESS_LS:
        raise PictureError(f"{name}: is a JPEG-LS file, which is not read; expected JPEG; convert it to PNG")
    if body[:1] and body[0] != 8 and marker in (0xC0, 0xC1, 0xC2):
        raise PictureError(
            f"{name}: is a JPEG of {body[0]} bits a sample, which is not read; expected 8; convert it to PNG"
        )
