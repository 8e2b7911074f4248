"""(task, settings, options) ↦ whether they can be carried out: asked of the task itself, on a small picture."""

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
STEPS = 10**7  # more are no wish but a slip: at a thousand a second they take hours


def check(order: dict[str, Any], channel: Channel) -> None:
    """Refuse now what the fit would refuse when its turn comes."""
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
    """Let a task look at a small picture; only what it says of options and devices counts."""
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
    except Exception:  # of this picture, not of the options: the real one is asked by the fit
        return


def small() -> Picture:
    """A picture with something in it."""
    noise = np.random.default_rng(0).normal(128, 25, (SIDE, SIDE, 3))
    return from_array(noise.clip(0, 255).astype(np.uint8))
