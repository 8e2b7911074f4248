"""What the measurements of single pictures share: their middle, a JPEG of them, and PSNR."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def middle(path: Path, side: int) -> NDArray[np.uint8]:
    """The middle (side, side, 3) of a picture, on its grid of 8 × 8 blocks."""
    whole = np.asarray(Image.open(path).convert("RGB"))
    top, left = ((length - side) // 2 // 8 * 8 for length in whole.shape[:2])
    return whole[top : top + side, left : left + side]


def saved(pixels: NDArray[np.uint8], quality: int) -> io.BytesIO:
    """A JPEG file of (H, W, 3)."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    file.seek(0)
    return file


def psnr(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """In dB, of values in [0, 1]."""
    return float(-10 * np.log10(np.mean((x - y) ** 2)))
