"""What the tests of masks over giant pictures share: a picture, and what is missing of it."""

from pathlib import Path

import numpy as np
from PIL import Image

from ipse.pictures import Picture, write

SIZE = (112, 125)
WAVES = (
    128
    + 60 * np.sin(np.add.outer(np.arange(SIZE[0]) / 9, np.arange(SIZE[1]) / 5))
    + 40 * np.cos(np.add.outer(np.arange(SIZE[0]) / 23, -np.arange(SIZE[1]) / 11))
).astype(np.uint8)


def dust() -> np.ndarray:
    """Specks in the upper left part, and a scratch down it."""
    missing = np.zeros(SIZE, np.bool_)
    for row, column in np.random.default_rng(3).integers(0, 60, (12, 2)):
        missing[row : row + 3, column : column + 3] = True
    missing[5:50, 31] = True
    return missing


def hole() -> np.ndarray:
    missing = np.zeros(SIZE, np.bool_)
    missing[25:75, 40:90] = True
    return missing


def given(folder: Path, missing: np.ndarray, *, channels: int = 1, lost: int = 255) -> None:
    clean = np.dstack([WAVES, 255 - WAVES, WAVES // 2])[..., :channels]
    damaged = np.where(missing[..., None], np.uint8(lost), clean)
    write(Picture.from_array(damaged if channels > 1 else damaged[..., 0]), folder / "in.tif")
    Image.fromarray(np.uint8(255) * missing).save(folder / "mask.png")
