"""y ↦ what ``enhance`` will find, and a draft of what it will make of it, before anybody has asked for it.

The draft is non-local means of the picture in the size of a screen, at the level of what was found. It is shown until
the first estimate of the fit replaces it, and is never saved.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ipse import tasks
from ipse.engine.problem import Nothing
from ipse.noise import levels
from ipse.pictures import Picture, read, write_bytes
from ipse.pictures.views import image_of, png_of, profile_of
from ipse.pilots.non_local_means import non_local_means
from ipse.runs.trial import crop
from ipse.settings import Settings
from ipse.web.channel import Channel
from ipse.web.places import DRAFT

MIDDLE = 512  # side in pixels of the part that is looked at closely
SIDE = 960  # maximum side of a draft, in pixels
PIECE = 256  # side in pixels of the part in which the level of the draft's noise is measured
VISIBLE = 1.5 / 255  # noise level from which a draft differs visibly from the picture
STEP = 14.6  # mean quantisation step over the lowest 4 × 4 frequencies at quality 50
COARSE = (
    3 / 255
)  # level of a JPEG's quantisation error, times the square root of the mean step; as in ``enhance``


def closer(order: dict[str, Any], channel: Channel) -> None:
    """Let ``enhance`` look at the middle of a picture; report what it finds."""
    picture = read(Path(order["source"]))
    posed = tasks.find("enhance")(crop(picture, MIDDLE), Settings())
    sigma = posed.estimates.get("sigma", 0.0)
    level = max(sigma) if isinstance(sigma, list) else sigma  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    channel.send("done", found=posed.estimates | {"level": level, "clean": isinstance(posed, Nothing)})


def draft(order: dict[str, Any], channel: Channel) -> None:
    """Draw a draft of the restored picture in the size of a screen; report whether there is anything to see in it."""
    picture, quality = read(Path(order["source"])), order["quality"]
    sigma = level_of(order["sigma"], picture)
    if quality is not None:
        sigma = float(np.hypot(sigma, COARSE * (STEP * scale(quality)) ** 0.5))
    if sigma < VISIBLE:
        channel.send("done", draft=False)
        return
    shrunk = max(1.0, max(picture.size) / SIDE)
    image = image_of(picture, picture.pixels, side=SIDE).convert("L" if picture.channels < 3 else "RGB")
    x = non_local_means(_tensor(image), sigma / shrunk)[0].clamp(0, 1)
    samples = (255 * x).round().byte().permute(1, 2, 0).squeeze(-1).numpy()
    data = png_of(Image.fromarray(samples), profile_of(picture))
    write_bytes(Path(order["folder"]) / DRAFT, data, overwrite=True)
    channel.send("done", draft=True)


def level_of(found: Any, picture: Picture) -> float:
    """The level of the noise that was found, on the scale 0 to 1; it is measured where nothing was found yet."""
    if found is None:
        return max(levels(torch.from_numpy(crop(picture, PIECE).pixels)[None]))
    return max(found if isinstance(found, list) else [found]) / 255  # pyright: ignore[reportUnknownArgumentType]


def scale(quality: int) -> float:
    """The factor by which IJG's tables are multiplied at a quality."""
    return 50 / max(1, quality) if quality < 50 else 2 - quality / 50


def _tensor(image: Image.Image) -> torch.Tensor:
    """An image as (1, C, H, W) in [0, 1]."""
    samples = np.atleast_3d(np.asarray(image, np.float32)) / 255
    return torch.from_numpy(np.ascontiguousarray(samples.transpose(2, 0, 1)))[None]
