# %% [markdown]
# # A mixture: blur, missing pixels and lower resolution at once
#
# The paper has no figure of it, but its equation takes any operator ([Deep Image
# Prior](https://arxiv.org/abs/1711.10925)). For yours call `ipse.restore("mine.png", psf="psf.png",
# mask="mask.png", factor=2)`, with the parts that apply.

# %%
import numpy as np
import torch
from _page import budget, middle, picture, pixels, psnr, show, tensor
from torch.nn.functional import interpolate

import ipse
from ipse.api import Common
from ipse.engine.operators import Blur, Downsample

clean = middle(picture("denoising/F16_GT.png", otherwise="astronaut"), budget(tiny=48, reduced=160, full=384))
clean = clean[: clean.shape[0] // 2 * 2, : clean.shape[1] // 2 * 2]

# %% [markdown]
# $$y = m \odot (D (k \ast x) + n)$$
#
# $$\theta^* = \arg\min_\theta \; \lVert m \odot (D (k \ast f_\theta(z)) - y) \rVert^2 + \lambda\,\mathrm{TV}$$
#
# $k$ is a blur along a diagonal, $D$ halves the sides, $m$ leaves out a quarter of the pixels.

# %%
psf = np.eye(7) + 0.5 * np.eye(7, k=1) + 0.5 * np.eye(7, k=-1)
psf /= psf.sum()
draw = np.random.default_rng(0)
known = draw.random((clean.shape[0] // 2, clean.shape[1] // 2)) > 0.25
blurred = Blur(torch.from_numpy(psf).float())(tensor(clean))
small = pixels(
    Downsample(2)(blurred) + torch.from_numpy(draw.normal(0, 2 / 255, (1, 3, *known.shape))).float()
)
y = np.where(known[..., None], small, 0).astype(np.uint8)

hard: Common = budget(tiny=Common(preset="fast", steps=3), reduced=Common(preset="fast"), full=Common())
all_three = ipse.restore(y, psf=psf, mask=known, polarity="white-is-known", factor=2, **hard)
print(dict(all_three.estimates))

# %% [markdown]
# A blur alone is undone by splitting: inversion and a denoiser, alternately.

# %%
seen = pixels(blurred)
sharp = ipse.restore(seen, psf=psf, **hard)
large = pixels(interpolate(tensor(y), scale_factor=2, mode="nearest"))
restored = all_three.image
show(
    {
        "given: all three, ×2 larger": large,
        f"restored, {psnr(restored, clean):.2f} dB": restored,
        f"given: blur alone, {psnr(seen, clean):.2f} dB": seen,
        f"restored, {psnr(sharp.image, clean):.2f} dB": sharp.image,
        "the original": clean,
    },
    columns=3,
)
