# %% [markdown]
# # Flash and no flash
#
# The paper's figure of a cave: the light of a dark, noisy photo with the edges of one with flash
# ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours call `ipse.flash("dark.jpg", flash="bright.jpg")`.

# %%
import os

import numpy as np
from _page import Pixels, budget, middle, noisy, picture, show
from scipy.ndimage import uniform_filter

import ipse
from ipse.api import Common


def pair() -> tuple[Pixels, Pixels]:
    """A photo without flash and one with; without the paper's, a photograph under two lights, one of them noisy."""
    if "IPSE_DATA" in os.environ:
        names = ("flash_no_flash/cave01_01_noflash.jpg", "flash_no_flash/cave01_00_flash.jpg")
        dark, bright = (picture(name, otherwise="") for name in names)
        return dark, bright
    bright = picture("", otherwise="coffee")
    warm = np.linspace(1.0, 0.3, bright.shape[1])[:, None] * np.array([0.9, 0.6, 0.35])
    return noisy((bright * warm).astype(np.uint8), sigma=15), bright


SIDE = budget(tiny=48, reduced=320, full=1024)
dark, bright = (middle(photo, SIDE) for photo in pair())

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert f_\theta(z) - y \rVert^2 + \lambda\,\mathrm{TV}(f_\theta(z))$$
#
# The latent is the flash photo: what the network can draw first from it has its edges. The noise of $y$ is not in
# it, and would come last. The colours that the fit has not taken on yet are put back by a guided filter.

# %%
hard: Common = budget(tiny=Common(preset="fast", steps=3), reduced=Common(), full=Common(preset="best"))
result = ipse.flash(dark, flash=bright, **hard)
show({"without flash": dark, "with flash": bright, "ipse.flash": result.image}, columns=3)

# %% [markdown]
# Noise, as the variance of gray within windows of 7 × 7 pixels, median over the picture; and the colours' means:

# %%
for name, photo in (("without flash", dark), ("ipse.flash", result.image)):
    gray = photo.mean(2)
    spread = uniform_filter(gray**2, 7) - uniform_filter(gray, 7) ** 2
    means = ", ".join(f"{mean:.1f}" for mean in photo.mean((0, 1)))
    print(f"{name}: variance {np.median(spread):.2f} of 255², mean of red, green and blue {means}")
show({"without flash": middle(dark, 96), "ipse.flash": middle(result.image, 96)}, columns=2)
