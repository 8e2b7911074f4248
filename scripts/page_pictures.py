"""Draw the small pictures of the page: what each task makes of a damaged photograph, and the pictures to try.

    python scripts/page_pictures.py

Each is a real restoration by this version; to the left of the line is what was given, to the right what came of it.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import convolve

import ipse
from ipse.web.examples import NAMES, made, photograph

FOLDER = Path(__file__).parent.parent / "src" / "ipse" / "web" / "static" / "img"
SIZE = (252, 189)
QUALITY = 62
FACTOR = 3
SEED = np.random.default_rng(0)


def piece(name: str, left: int, top: int, wide: int) -> np.ndarray:
    """A piece of a photograph in the size of a tile."""
    box = (left, top, left + wide, top + wide * SIZE[1] // SIZE[0])
    return np.asarray(photograph(name).crop(box).resize(SIZE, Image.Resampling.LANCZOS))


def stored(x: np.ndarray) -> np.ndarray:
    """Samples in 8 bits."""
    return np.rint(x).clip(0, 255).astype(np.uint8)


def denoise() -> tuple[np.ndarray, np.ndarray]:
    """Noise."""
    y = stored(piece("astronaut.png", 100, 20, 252) + SEED.normal(0, 40, (SIZE[1], SIZE[0], 3)))
    return y, ipse.denoise(y).image


def dejpeg() -> tuple[np.ndarray, np.ndarray]:
    """A JPEG of low quality."""
    stream = io.BytesIO()
    Image.fromarray(piece("chelsea.png", 100, 40, 252)).save(stream, "JPEG", quality=8)
    file = Image.open(stream)
    return np.asarray(file), np.asarray(ipse.dejpeg(file).image)


def inpaint() -> tuple[np.ndarray, np.ndarray]:
    """Scratches."""
    image = Image.new("L", SIZE)
    draw = ImageDraw.Draw(image)
    for x in range(-150, SIZE[0], 46):
        draw.line([(x, 0), (x + 150, SIZE[1])], fill=255, width=4)
    mask = np.asarray(image) > 0
    y = piece("coffee.png", 120, 40, 340).copy()
    y[mask] = 245
    return y, ipse.inpaint(y, mask=mask, polarity="white-is-hole", preset="fast").image


def upscale() -> tuple[np.ndarray, np.ndarray]:
    """A small picture."""
    small = Image.fromarray(piece("motorcycle_left.png", 300, 130, 252))
    y = np.asarray(small.resize((SIZE[0] // FACTOR, SIZE[1] // FACTOR), Image.Resampling.BICUBIC))
    seen = np.asarray(Image.fromarray(y).resize(SIZE, Image.Resampling.NEAREST))
    return seen, np.asarray(ipse.upscale(y, factor=FACTOR, preset="fast").image)


def deblur() -> tuple[np.ndarray, np.ndarray]:
    """A lens out of focus."""
    radius = 4
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = (rows**2 + columns**2 <= radius**2).astype(float)
    x = piece("astronaut.png", 150, 40, 190).astype(float)
    y = stored(convolve(x, (disc / disc.sum())[..., None], mode="reflect"))
    return y, ipse.deblur(y, defocus=float(radius)).image


def flash() -> tuple[np.ndarray, np.ndarray]:
    """A dark photograph, and one with flash."""
    x = piece("coffee.png", 100, 20, 380).astype(float)
    dark = stored(x * [1.0, 0.86, 0.62] + SEED.normal(0, 45, x.shape))
    return dark, ipse.flash(dark, flash=stored(x * [0.8, 0.9, 1.0]), preset="fast").image


def halves(before: np.ndarray, after: np.ndarray) -> Image.Image:
    """Before to the left of a line, after to the right."""
    middle = SIZE[0] // 2
    sheet = np.array(before)
    sheet[:, middle:] = np.asarray(after)[:, middle:]
    sheet[:, middle - 1 : middle + 1] = 255
    return Image.fromarray(sheet)


def main() -> None:
    """Draw all."""
    for task in (denoise, dejpeg, inpaint, upscale, deblur, flash):
        halves(*task()).save(FOLDER / f"{task.__name__}.webp", quality=QUALITY, method=6)
    for name in NAMES:
        with Image.open(io.BytesIO(made(name))) as image:
            upright = Image.fromarray(np.asarray(image.convert("RGB")))
            if image.getexif().get(0x0112) == 6:
                upright = upright.transpose(Image.Transpose.ROTATE_270)
        wide, high = upright.size
        tall = min(high, wide * SIZE[1] // SIZE[0])
        top = (high - tall) // 3
        upright.crop((0, top, wide, top + tall)).resize(SIZE).save(
            FOLDER / f"{name}.webp", quality=QUALITY, method=6
        )


if __name__ == "__main__":
    main()
