"""Pictures to try: scikit-image's photographs, damaged as cameras and web sites damage them.

Coffee (CC0, Rachel Michetti), Chelsea the cat (CC0, Stefan van der Walt) and the rocket (public domain, SpaceX).
"""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from ipse.pictures import write_bytes
from ipse.web.channel import Channel

Example = Literal["night", "web", "phone"]
NAMES: tuple[Example, ...] = get_args(Example)
FILES: dict[Example, str] = {"night": "night.png", "web": "cat.jpg", "phone": "phone.jpg"}
ORIENTATION = 0x0112
UPRIGHT = 6  # stored lying on its side, as a phone held upright does
GRAIN, QUALITY, WEB = 25, 85, 15


def example(order: dict[str, Any], channel: Channel) -> None:
    """Write an example to a file."""
    write_bytes(Path(order["path"]), made(order["name"]), overwrite=True)
    channel.send("done")


def made(name: Example) -> bytes:
    """The bytes of an example's file."""
    stream = io.BytesIO()
    if name == "night":
        noisy(photograph("coffee.png").crop((120, 20, 504, 308))).save(stream, "PNG")
    elif name == "web":
        photograph("chelsea.png").crop((90, 10, 410, 250)).save(stream, "JPEG", quality=WEB)
    else:
        exif = Image.Exif()
        exif[ORIENTATION] = UPRIGHT
        upright = noisy(photograph("rocket.jpg").crop((210, 60, 450, 380)), sigma=15)
        upright.transpose(Image.Transpose.ROTATE_90).save(stream, "JPEG", quality=QUALITY, exif=exif)
    return stream.getvalue()


def photograph(name: str) -> Image.Image:
    """One of the photographs that scikit-image installs, in RGB."""
    found = find_spec("skimage")
    assert found is not None  # a requirement of this package
    assert found.origin is not None
    with Image.open(Path(found.origin).parent / "data" / name) as image:
        return image.convert("RGB")


def noisy(image: Image.Image, *, sigma: float = GRAIN) -> Image.Image:
    """Add Gaussian noise; sigma is on the scale 0 to 255."""
    samples = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, sigma, samples.shape)
    return Image.fromarray(np.rint(samples + noise).clip(0, 255).astype(np.uint8))
