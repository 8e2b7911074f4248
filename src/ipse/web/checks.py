"""Validate task, settings and options, by calling the task on a small picture."""

from typing import Any

import numpy as np

from ipse import tasks
from ipse.devices import find_device
from ipse.errors import DeviceError, OptionError
from ipse.pictures import Picture, from_array
from ipse.pictures.tiling import enlargement
from ipse.runs.trial import hole
from ipse.settings import Settings
from ipse.web.channel import Channel
from ipse.web.hostile import WEIGHT

SIDE = 64
PSF = np.ones((3, 3), np.float32) / 9
STEPS = (
    10**7
)  # maximum number of steps; more are probably a mistake, since they take hours even at 1000 per second


def check(order: dict[str, Any], channel: Channel) -> None:
    """Reject immediately what the job would reject when it starts."""
    settings, options = Settings(**order["settings"]), order["options"]
    find_device(settings.device)
    if settings.steps is not None and settings.steps > STEPS:
        raise OptionError(f"steps {settings.steps} are out of range: give 0 to {STEPS}")
    ask(order["task"], settings, options)
    samples = order["samples"] * enlargement(options) ** 2
    if samples > WEIGHT:
        raise OptionError(
            f"the result would have {samples} samples; expected at most {WEIGHT} here: "
            "give a smaller factor or picture, or use the command line"
        )
    channel.send("done")


def ask(task: str, settings: Settings, options: dict[str, Any]) -> None:
    """Call the task on a small picture; only errors about options and devices are reported."""
    picture = small()
    standing = {"mask": hole(picture), "flash": np.asarray(picture.samples), "psf": PSF}
    files = {key for key, value in options.items() if isinstance(value, dict)}
    if files - standing.keys():
        return
    told = {key: standing[key] if key in files else value for key, value in options.items()}
    if "mask" in files:
        told.pop("polarity", None)
    try:
        tasks.find(task)(picture, tasks.uncut(task, settings), **told)
    except (OptionError, DeviceError):
        raise
    except Exception:  # caused by the small picture, not by the options; the job will use the real picture
        return


def small() -> Picture:
    """A small picture with some content."""
    noise = np.random.default_rng(0).normal(128, 25, (SIDE, SIDE, 3))
    return from_array(noise.clip(0, 255).astype(np.uint8))
