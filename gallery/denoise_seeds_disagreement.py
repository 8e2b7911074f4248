# %% [markdown]
# # Where several seeds disagree
#
# The paper averages two runs; ipse averages as many as you ask for, and maps where they differ
# ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours call `ipse.denoise("mine.png", seeds=5)`.

# %%
import numpy as np
from _page import budget, known, middle, missing, noisy, picture, psnr, show

import ipse
from ipse.api import Common

clean = middle(picture("denoising/F16_GT.png", otherwise="astronaut"), budget(tiny=48, reduced=160, full=512))
y = noisy(clean, sigma=25)

# %% [markdown]
# $$\bar x = \frac{1}{K} \sum_k x_k, \qquad s^2 = \frac{1}{K - 1} \sum_k (x_k - \bar x)^2$$
#
# The runs differ where the picture does not determine the result. Errors that all runs share do not appear in $s$, so
# read it as a ranking, not as the error.

# %%
hard: Common = budget(tiny=Common(preset="fast", seeds=2), reduced=Common(seeds=5), full=Common(seeds=5))
result = ipse.denoise(y, sigma=25, **hard)
spread = result.disagreement
error = np.sqrt(np.square((result.image.astype(float) - clean) / 255).mean(-1))
assert spread is not None
print(
    f"correlation of disagreement and error over pixels: {np.corrcoef(spread.ravel(), error.ravel())[0, 1]:.2f}"
)
print(
    f"error / disagreement, root mean squares: {np.sqrt(np.square(error).mean() / np.square(spread).mean()):.1f}"
)
show(
    {
        "noisy": y,
        f"average, {psnr(result.image, clean):.2f} dB": result.image,
        "disagreement": spread,
        "error": error,
    }
)

# %% [markdown]
# ## In a hole
#
# The network fills it, each time from another latent:

# %%
vase = picture("inpainting/vase.png", otherwise="coffee")
hole = np.ones(vase.shape[:2], np.bool_)
hole[140:200, 240:300] = False
seen = known("inpainting/vase_mask.png", otherwise=hole)
SIDE, HERE = budget(tiny=96, reduced=256, full=512), missing(seen)
vase, seen = middle(vase, SIDE, at=HERE), middle(seen, SIDE, at=HERE)
given = np.where(seen[..., None], vase, 255).astype(np.uint8)
more: Common = budget(
    tiny=Common(steps=3, seeds=2), reduced=Common(preset="fast", seeds=3), full=Common(seeds=5)
)
filled = ipse.inpaint(given, mask=~seen, polarity="white-is-hole", **more)
assert filled.disagreement is not None
show({"given": given, "average": filled.image, "disagreement": filled.disagreement}, columns=3)
