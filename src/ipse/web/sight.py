"""y ↦ what ``enhance`` will find, whether y is blurred, and a draft of the result, before anybody has asked for it.

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
from ipse.errors import PictureError
from ipse.noise import levels
from ipse.pictures import Picture, read, write_bytes
from ipse.pictures.views import image_of, png_of, profile_of
from ipse.pilots.blur_kernel import drained, radius, search
from ipse.pilots.non_local_means import non_local_means
from ipse.runs.trial import crop
from ipse.settings import Settings
from ipse.tasks.deblur import check_edges
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

BLURRED = 2.0  # radius in pixels from which a kernel is that of a blurred photo; see docs/decisions/page.md
NOISY = 6.0  # noise level, of 255, from which no blur is looked for, since noise hides it
COMPRESSED = 80  # JPEG quality below which blocks do


def closer(order: dict[str, Any], channel: Channel) -> None:
    """Let ``enhance`` look at the middle of a picture; report what it finds."""
    picture = read(Path(order["source"]))
    middle = crop(picture, MIDDLE)
    posed = tasks.find("enhance")(middle, Settings())
    sigma: Any = posed.estimates.get("sigma", 0.0)
    level = float(max(sigma) if isinstance(sigma, list) else sigma)  # pyright: ignore[reportUnknownArgumentType]
    found = posed.estimates | {"level": level, "clean": isinstance(posed, Nothing)}
    quality = order["quality"]
    if level < NOISY and (quality is None or quality >= COMPRESSED) and blurred(middle):
        found["blurred"] = True
    channel.send("done", found=found)


def blurred(picture: Picture) -> bool:
    """Whether a picture looks blurred all over, by a quick search for its kernel."""
    y = torch.from_numpy(picture.pixels)[None]
    try:
        check_edges(y)
    except PictureError:
        return False
    return radius(drained(search(y, effort="fast"))) >= BLURRED


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
