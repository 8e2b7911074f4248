# %% [markdown]
# # A large hole
#
# The paper's figure of a vase: a hole of which nothing around says what it hides, and a latent that makes the
# network draw smoothly ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours, let `clean` be your
# picture and `seen` be true where it is to stay.

# %%
import numpy as np
from _page import budget, known, middle, missing, picture, show
from PIL import Image

import ipse
from ipse.settings import Latent, Preset

clean = picture("inpainting/vase.png", otherwise="coffee")
height, width = clean.shape[:2]
square = np.ones((height, width), np.bool_)
square[height // 2 - 40 : height // 2 + 40, width // 2 - 40 : width // 2 + 40] = False
seen = known("inpainting/vase_mask.png", otherwise=square)
SIDE, HERE = budget(tiny=96, reduced=320, full=512), missing(seen)
clean, seen = middle(clean, SIDE, at=HERE), middle(seen, SIDE, at=HERE)
y = np.where(seen[..., None], clean, 255).astype(np.uint8)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert m \odot (f_\theta(z) - y) \rVert^2, \qquad z_{ij} = (i / H, \; j / W)$$
#
# With coordinates instead of noise the latent is smooth, and so is what the network starts from where nothing tells it
# what to draw.

# %%
preset: Preset = budget(tiny="fast", reduced="good", full="paper")
STEPS = budget(tiny=4, reduced=400, full=None)
LATENTS: tuple[Latent, ...] = ("noise", "meshgrid")
made = {}
for latent in LATENTS:
    result = ipse.inpaint(y, mask=~seen, polarity="white-is-hole", latent=latent, preset=preset, steps=STEPS)
    made[f"network, latent {latent}"] = result.image
    print(f"latent {latent}: step {result.step} of {result.steps}, {result.reason}")
show({"given": y, **made, "without the hole": clean}, columns=3)

# %% [markdown]
# The hole alone, with what is around it:

# %%
rows, columns = np.flatnonzero(~seen.all(1)), np.flatnonzero(~seen.all(0))
box = (columns[0] - 16, rows[0] - 16, columns[-1] + 17, rows[-1] + 17)
show({name: np.asarray(Image.fromarray(x).crop(box)) for name, x in made.items()}, columns=3)
