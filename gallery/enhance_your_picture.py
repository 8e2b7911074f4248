# %% [markdown]
# # Your own picture
#
# Put the path of a picture of your own in the first cell and run it all. [Deep Image Prior](https://arxiv.org/abs/1711.10925)
# restores a picture from itself alone:
#
# $$\theta^* = \arg\min_\theta E(A f_\theta(z); y) + R(f_\theta(z)), \qquad x^* = f_{\theta^*}(z)$$
#
# `ipse.enhance` finds out what is wrong with y. For noise and JPEG damage it restores y by self-similarity, without a
# network. A result shows itself: before, after, and what was found.

# %%
from pathlib import Path

from _page import budget, middle, noisy, picture

import ipse

PATH: Path | None = None  # Path("photo.jpg"): a picture of your own
SIDE = budget(tiny=48, reduced=256, full=512)
y = PATH or noisy(middle(picture("denoising/F16_GT.png", otherwise="astronaut"), SIDE), sigma=25)

ipse.enhance(y, preset=budget(tiny="fast", reduced="good", full="best"))

# %% [markdown]
# A network alone, fitted to the same picture from noise, and stopped by pixels that it does not see:

# %%
ipse.denoise(y, latent="noise", steps=budget(tiny=3, reduced=300, full=1800))

# %% [markdown]
# Enlarged twice; downscaling the result gives the picture back:

# %%
ipse.upscale(y, factor=2, preset="fast")
