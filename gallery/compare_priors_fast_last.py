# %% [markdown]
# # What the structure is worth
#
# The paper's figure of the prior's effect: one enlargement by free pixels, by total variation and by the network
# ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours call `ipse.compare_priors("mine.png", factor=4)`.

# %%
import numpy as np
from _page import budget, middle, picture, pixels, psnr, show, tensor
from torch.nn.functional import interpolate

import ipse
from ipse.engine.operators import Downsample

large = middle(picture("sr/zebra_crop.png", otherwise="astronaut"), budget(tiny=64, reduced=256, full=256))
large = large[: large.shape[0] // 4 * 4, : large.shape[1] // 4 * 4]
small = Downsample(4, kernel="lanczos2")(tensor(large))

# %% [markdown]
# $$\arg\min_x \lVert D x - y \rVert^2 \qquad \arg\min_x \lVert D x - y \rVert^2 + \lambda\,\mathrm{TV}(x) \qquad
# \arg\min_\theta \lVert D f_\theta(z) - y \rVert^2$$
#
# The first has no prior: detail that $D$ removes stays as it was initialised, at random. The second prefers piecewise
# constant pictures. The third has no term besides the misfit; its prior is which pictures the network draws easily.

# %%
steps = budget(tiny=4, reduced=400, full=2000)
sheet = ipse.compare_priors(pixels(small), factor=4, steps=steps).image
names = ("free pixels", "total variation", "the network")
made = dict(zip(names, np.split(sheet, 3, axis=1), strict=True))
bicubic = pixels(interpolate(small, scale_factor=4, mode="bicubic"))
show(
    {
        "given": pixels(interpolate(small, scale_factor=4, mode="nearest")),
        f"bicubic, {psnr(bicubic, large):.2f} dB": bicubic,
        **{f"{name}, {psnr(x, large):.2f} dB": x for name, x in made.items()},
        "the original": large,
    },
    columns=3,
)
