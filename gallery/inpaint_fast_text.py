# %% [markdown]
# # Text removed
#
# The paper's figure of a portrait with text over it, kate ([Deep Image Prior](https://arxiv.org/abs/1711.10925)).
# For your picture call `ipse.inpaint("mine.png", mask="mask.png")`. ipse works out whether white marks the pixels to
# fill or the known ones, and reports its choice.

# %%
import numpy as np
from _page import Known, budget, known, middle, missing, picture, psnr, show
from PIL import Image, ImageDraw, ImageFont

import ipse
from ipse.api import Common


def without_text(height: int, width: int) -> Known:
    """Where no letter lies on a picture of that size."""
    canvas = Image.new("1", (width, height), 1)
    lines = "\n".join(["a picture is restored from itself alone"] * (height // 24))
    ImageDraw.Draw(canvas).text((4, 4), lines, fill=0, font=ImageFont.load_default(22))
    return np.asarray(canvas)


clean = picture("inpainting/kate.png", otherwise="astronaut")
seen = known("inpainting/kate_mask.png", otherwise=without_text(*clean.shape[:2]))
SIDE, HERE = budget(tiny=48, reduced=256, full=512), missing(seen)
clean, seen = middle(clean, SIDE, at=HERE), middle(seen, SIDE, at=HERE)
y = np.where(seen[..., None], clean, 255).astype(np.uint8)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert m \odot (f_\theta(z) - y) \rVert^2$$
#
# Pixels under the text, where $m = 0$, are not in the loss: the network draws something there all the same. Strokes
# are thin, and similar patches exist elsewhere in the picture, so ipse fills them by self-similarity; by default it
# fits no network.

# %%
hard: Common = budget(
    tiny=Common(network="fast", steps=3),
    reduced=Common(network="fast", steps=400),
    full=Common(preset="paper"),
)
easy: Common = budget(tiny=Common(preset="fast"), reduced=Common(), full=Common())
network = ipse.inpaint(y, mask=~seen, polarity="white-is-hole", **hard)
default = ipse.inpaint(y, mask=~seen, polarity="white-is-hole", **easy)
for name, result in (("network", network), ("default", default)):
    unchanged = np.array_equal(result.image[seen], y[seen])
    print(f"{name}: {psnr(result.image, clean):.2f} dB; known pixels unchanged: {unchanged}")
show(
    {"given": y, "the network": network.image, "ipse.inpaint": default.image, "the original": clean},
    columns=2,
)

# %% [markdown]
# Closer. In the paper's portrait, at the reduced budget, no letter can be made out in either. The network leaves a
# faint smudge where a letter crosses the edge of the face; the default runs some of the teeth into one.

# %%
shown = {"given": y, "the network": network.image, "ipse.inpaint": default.image, "the original": clean}
show({name: middle(x, 96, at=missing(seen)) for name, x in shown.items()})
