# %% [markdown]
# # JPEG: the fit sheds the blocks
#
# The paper's figure of blind clean-up, a snail: the network of the published notebook, along its fit, beside what
# ipse does unless asked otherwise ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). To see yours, let `snail`
# be `PIL.Image.open("mine.jpg")`.

# %%
import io
import os
from pathlib import Path

import numpy as np
from _page import budget, middle, picture, pixels, show
from PIL import Image

import ipse


def saved(quality: int) -> io.BytesIO:
    """A photograph, as a JPEG of that quality."""
    stream = io.BytesIO()
    Image.fromarray(picture("", otherwise="chelsea")).save(stream, "JPEG", quality=quality)
    return stream


DATA = os.environ.get("IPSE_DATA")
snail = Image.open(Path(DATA, "paper", "denoising", "snail.jpg") if DATA else saved(quality=10))
if budget(tiny=True, reduced=False, full=False):
    snail = snail.crop((160, 96, 224, 160))

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert f_\theta(z) - y \rVert^2$$
#
# The paper knows nothing of JPEG here: it draws the picture until the blocks come. Its network is narrow (8 to 128
# channels), its latent has 3 channels of noise, with a little more noise at each step.

# %%
STEPS = budget(tiny=4, reduced=300, full=2400)
settings = ipse.Settings(preset="paper", steps=STEPS)
stream = ipse.Restoration(ipse.Picture.from_array(np.asarray(snail)), "dejpeg", settings, {"quality": 10})
film = {}
for state in stream:
    if not isinstance(state, ipse.Estimate) and state.step in (STEPS // 4, STEPS // 2, STEPS):
        film[f"published network, step {state.step}"] = pixels(state.average)

# %% [markdown]
# ipse reads the file's tables. They say in which interval each coefficient of the original lies, and the result stays
# within: saved again with the same tables, it is the same file but for rounding.

# %%
result = ipse.dejpeg(snail)
print(result.reason, dict(result.estimates))
rows = {"the file": np.asarray(snail), **film, "ipse.dejpeg": np.asarray(result.image)}
show(rows, columns=2)

# %% [markdown]
# Closer:

# %%
show({name: middle(image, 128) for name, image in rows.items()}, columns=3)
