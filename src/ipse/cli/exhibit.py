"""y = D(x): a photograph with known damage, and a picture that compares the results.

The photograph is scikit-image's cat (https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.chelsea,
CC0, by Stefan van der Walt): of those shipped with it, one of the least marked by an earlier compression.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Samples = NDArray[np.uint8]
Damage = Literal["noise", "jpeg", "holes", "small", "network"]

SIGMA, QUALITY, FACTOR = 25, 10, 3
HOLES = "the quick brown fox jumps over the lazy dog "
FACE = np.s_[24:240, 120:336]  # the cat's face
LABEL = 28  # height of a line of a label, in pixels
MARGIN = 8  # horizontal margin of a label, in pixels


@dataclass(frozen=True)
class Exhibit:
    """A photograph, its damage, and how to restore it."""

    original: Samples  #: (H, W, 3)
    damaged: bytes  #: contents of the damaged file
    suffix: str  #: suffix of that file
    task: str
    options: dict[str, Any]
    mask: Samples | None  #: (H, W), 255 at pixels to fill
    said: str
    network: str | None = None  #: network to fit alone, instead of the task's default method

    @property
    def by(self) -> str:
        """The method that restores it."""
        return f"ipse {self.task}" if self.network is None else "an untrained network alone"


def exhibit(damage: Damage, *, seed: int = 0) -> Exhibit:
    """Return the photograph with one kind of damage."""
    from skimage.data import chelsea

    x: Samples = np.asarray(chelsea(), np.uint8)
    if damage == "noise":
        noisy = x + np.random.default_rng(seed).normal(0, SIGMA, x.shape)
        y = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        return Exhibit(x, encoded(y, "PNG"), ".png", "denoise", {}, None, f"noise, sigma {SIGMA}")
    if damage == "jpeg":
        return Exhibit(
            x, encoded(x, "JPEG", quality=QUALITY), ".jpg", "dejpeg", {}, None, f"JPEG, quality {QUALITY}"
        )
    if damage == "holes":
        mask = text(x.shape[0], x.shape[1])
        y = np.where(mask[..., None] > 0, np.uint8(255), x)
        return Exhibit(x, encoded(y, "PNG"), ".png", "inpaint", {}, mask, "text written over it")
    network = "fast" if damage == "network" else None
    x = x[FACE] if network else x[: x.shape[0] // FACTOR * FACTOR, : x.shape[1] // FACTOR * FACTOR]
    small = Image.fromarray(x).resize((x.shape[1] // FACTOR, x.shape[0] // FACTOR), Image.Resampling.BICUBIC)
    y = np.asarray(small)
    said, options = f"{FACTOR} times smaller", {"factor": FACTOR}
    return Exhibit(x, encoded(y, "PNG"), ".png", "upscale", options, None, said, network)


def encoded(samples: Samples, form: str, **options: int) -> bytes:
    """Return a file's bytes."""
    stream = io.BytesIO()
    Image.fromarray(samples).save(stream, form, **options)
    return stream.getvalue()


def text(height: int, width: int) -> Samples:
    """Return a mask (H, W) of lines of text."""
    image = Image.new("L", (width, height))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(20)
    for row, top in enumerate(range(4, height, 30)):
        draw.text((4, top), (HOLES * 4)[7 * row :], fill=255, font=font)
    return np.where(np.asarray(image) > 127, 255, 0).astype(np.uint8)


def psnr(x: Samples, y: Samples) -> float:
    """Return 10 log₁₀(255² / mean (x − y)²), in dB."""
    error = float(np.mean((x.astype(np.float64) - y.astype(np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * float(np.log10(255**2 / error))


def comparison(panels: list[tuple[str, Samples]]) -> Samples:
    """Return pictures of the same size (H, W, 3) side by side, each below its label."""
    height, width = panels[0][1].shape[:2]
    font = ImageFont.load_default(17)
    labels = [lines(label, width - 2 * MARGIN, font.getlength) for label, _ in panels]
    above = LABEL * max(map(len, labels))
    sheet = Image.new("RGB", (len(panels) * width, height + above), "white")
    draw = ImageDraw.Draw(sheet)
    for column, ((_, picture), label) in enumerate(zip(panels, labels, strict=True)):
        sheet.paste(Image.fromarray(picture), (column * width, above))
        for row, line in enumerate(label):
            draw.text((column * width + MARGIN, row * LABEL + 4), line, fill="black", font=font)
    return np.asarray(sheet)


def lines(text: str, room: float, length: Callable[[str], float]) -> list[str]:
    """Wrap a text at word boundaries to the available width; a word that is too long gets its own line."""
    found = [""]
    for word in text.split():
        longer = f"{found[-1]} {word}".strip()
        if not found[-1] or length(longer) <= room:
            found[-1] = longer
        else:
            found.append(word)
    return found


def shown(samples: Samples, like: Samples) -> Samples:
    """Return a picture resized to another's size with nearest-neighbour interpolation, so that pixels stay visible."""
    if samples.shape == like.shape:
        return samples
    image = Image.fromarray(samples).resize((like.shape[1], like.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image)
