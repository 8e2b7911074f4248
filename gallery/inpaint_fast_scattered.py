# %% [markdown]
# # Half of the pixels missing, and 98 of 100
#
# The paper's comparison with convolutional sparse coding (barbara, half of the pixels) and its figure of a picture
# of which one pixel in fifty is known ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). To see yours, let
# `half` or `few` be your picture.

# %%
import numpy as np
from _page import Pixels, budget, middle, picture, psnr, show

import ipse
from ipse.api import Common

SIDE = budget(tiny=32, reduced=160, full=512)
half = middle(picture("restoration/barbara.png", otherwise="camera"), SIDE)
few = middle(picture("restoration/kate.png", otherwise="astronaut"), SIDE)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert m \odot (f_\theta(z) - y) \rVert^2, \qquad m_i \sim \mathrm{Bernoulli}(p)$$
#
# With half of the pixels, the network is the published one at `IPSE_BUDGET=full` only, otherwise ipse's own, which is
# faster. With one pixel in fifty it is the published one: narrow, without skips, so that it cannot draw the
# known pixels as dots.

# %%
network: Common = budget(
    tiny=Common(network="fast", steps=3),
    reduced=Common(network="fast", steps=400),
    full=Common(preset="paper"),
)
narrow: Common = budget(
    tiny=Common(preset="paper", steps=2),
    reduced=Common(preset="paper", steps=500),
    full=Common(preset="paper"),
)
default: Common = budget(tiny=Common(seconds=0.1), reduced=Common(), full=Common())


def filled(clean: Pixels, share: float, network: Common) -> None:
    """Keep a share of the pixels, and fill the rest in two ways."""
    known = np.random.default_rng(0).random(clean.shape[:2]) < share
    y = np.where(known if clean.ndim == 2 else known[..., None], clean, 0).astype(np.uint8)
    pictures = {f"{share:.0%} known": y}
    for name, how in (("network", network), ("ipse.inpaint", default)):
        result = ipse.inpaint(y, mask=known, polarity="white-is-known", **how)
        pictures[f"{name}, {psnr(result.image, clean):.2f} dB"] = result.image
        print(f"{share:.0%} known, {name}: {psnr(result.image, clean):.2f} dB ({result.reason})")
    show({**pictures, "the original": clean}, columns=2)


# %%
filled(half, 0.5, network)

# %%
filled(few, 0.02, narrow)
