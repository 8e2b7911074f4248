# %% [markdown]
# # JPEG: the fit sheds the blocks
#
# The paper's figure of blind JPEG restoration, a snail: the network of the published notebook, along its fit, beside
# ipse's default ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). To see yours, let `snail`
# be `PIL.Image.open("mine.jpg")`.

# %%
import io
import os
from pathlib import Path

import numpy as np
from _page import Pixels, budget, middle, picture, pixels, show
from PIL import Image

import ipse


def saved(quality: int) -> io.BytesIO:
    """A photograph, as a JPEG of that quality."""
    stream = io.BytesIO()
    photograph = middle(picture("", otherwise="chelsea"), budget(tiny=64, reduced=512, full=512))
    Image.fromarray(photograph).save(stream, "JPEG", quality=quality)
    return stream


DATA = os.environ.get("IPSE_DATA")
snail = Image.open(Path(DATA, "paper", "denoising", "snail.jpg") if DATA else saved(quality=10))

# %% [markdown]
# ipse reads the file's quantisation tables. They give the interval in which each coefficient of the original lies, and
# the result stays within: saved again with the same tables, it is the same file up to rounding.

# %%
result = ipse.dejpeg(snail)
given, restored = np.asarray(snail.convert("RGB")), np.asarray(result.image)
print(f"{result.reason}: {dict(result.estimates)}")
show({"the file": given, "ipse.dejpeg": restored}, columns=2)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert f_\theta(z) - y \rVert^2$$
#
# The paper uses no knowledge of JPEG here: its network draws the picture first and the blocks last. It is narrow (8 to
# 128 channels), and its latent has 3 channels of noise, with a little more noise at each step. Here it draws a part of
# the picture, at `IPSE_BUDGET=full` the middle in 2400 steps, as published.

# %%
SIDE, STEPS = budget(tiny=64, reduced=160, full=400), budget(tiny=3, reduced=1200, full=2400)


def closer(image: Pixels) -> Pixels:
    """The part that is looked at."""
    return middle(image, SIDE)


settings = ipse.Settings(preset="paper", steps=STEPS)
stream = ipse.Restoration(ipse.Picture.from_array(closer(given)), "dejpeg", settings, {"quality": 10})
film = dict[str, Pixels]()
for state in stream:
    if not isinstance(state, ipse.Estimate) and state.step in (STEPS // 3, 2 * STEPS // 3, STEPS):
        film[f"published network, step {state.step}"] = pixels(state.average)
show({"the file": closer(given), **film, "ipse.dejpeg": closer(restored)}, columns=3)
