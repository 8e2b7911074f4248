# %% [markdown]
# # A large hole
#
# The paper's figure of a vase that is taken out of a room: nothing around a hole says what it hides, so the network
# decides ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours, let `clean` be your picture and `seen` be
# true where it is to stay.

# %%
import numpy as np
import torch
from _page import Pixels, budget, known, middle, missing, picture, pixels, show, tensor
from PIL import Image

import ipse
from ipse.api import Common
from ipse.engine.fit import Fit
from ipse.engine.latents import meshgrid
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe

clean = picture("inpainting/vase.png", otherwise="coffee")
height, width = clean.shape[:2]
square = np.ones((height, width), np.bool_)
square[height // 2 - 40 : height // 2 + 40, width // 2 - 40 : width // 2 + 40] = False
seen = known("inpainting/vase_mask.png", otherwise=square)
SIDE, HERE = budget(tiny=96, reduced=192, full=512), missing(seen)
clean, seen = middle(clean, SIDE, at=HERE), middle(seen, SIDE, at=HERE)
y = np.where(seen[..., None], clean, 255).astype(np.uint8)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert m \odot (f_\theta(z) - y) \rVert^2, \qquad z_{ij} = (i / H, \; j / W)$$
#
# As published: an encoder–decoder without skips, so that all it draws has been through its coarsest scale, and
# coordinates as the latent, which are smooth where nothing tells the network what to draw. Noise as the latent
# is for comparison. At the reduced budget the network has a quarter of the published channels.

# %%
CHANNELS, STEPS = budget(tiny=8, reduced=32, full=128), budget(tiny=3, reduced=350, full=5001)


def filled(z: torch.Tensor) -> Pixels:
    """The picture with what the network draws from z in the hole."""
    wide = (CHANNELS,) * 5
    with seeded(0):
        network = build("skip", z.shape[1], 3, down=wide, up=wide, skip=(0,) * 5, upsampling="nearest")
    prior = Prior(network, z, size=(seen.shape[0], seen.shape[1]), jitter=0.03)
    objective = LeastSquares(tensor(y), weight=torch.from_numpy(seen)[None, None].float())
    *_, last = Fit(Problem(prior, objective, Recipe(STEPS, 0.01, average=0.95)))
    return np.where(seen[..., None], y, pixels(last.average))


size = (seen.shape[0], seen.shape[1])
noise = 0.1 * torch.rand(1, 32, *size, generator=torch.Generator().manual_seed(0))
made = {"published, latent meshgrid": filled(meshgrid(size)), "published, latent noise": filled(noise)}

# %% [markdown]
# And what `ipse.inpaint` does by itself: its fast network, from coordinates too, stopped by squares that are held
# out. They say when what is drawn no longer predicts what is behind a square.

# %%
easy: Common = budget(tiny=Common(steps=3), reduced=Common(), full=Common())
default = ipse.inpaint(y, mask=~seen, polarity="white-is-hole", **easy)
print(f"ipse.inpaint: step {default.step} of {default.steps}, {default.reason}")
made["ipse.inpaint"] = default.image
show({"given": y, **made, "without the hole": clean}, columns=3)

# %% [markdown]
# The hole alone, with what is around it. In the paper's picture, at the reduced budget, coordinates carry the rails
# of the balustrade through the hole, and the vase is gone; near it is a weave of stripes. Noise gives
# patches. The default leaves a smooth blur in the shape of the vase: in a large hole, the published form draws more
# than ipse does.

# %%
rows, columns = np.flatnonzero(~seen.all(1)), np.flatnonzero(~seen.all(0))
box = (columns[0] - 16, rows[0] - 16, columns[-1] + 17, rows[-1] + 17)
show({name: np.asarray(Image.fromarray(x).crop(box)) for name, x in made.items()}, columns=3)
