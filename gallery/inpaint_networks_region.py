# %% [markdown]
# # Which network: depth, U-Net, ResNet
#
# The paper's figure of a library with a region missing, filled by networks of 6, 4 and 2 scales, a U-Net and a
# ResNet ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours, let `clean` be your picture and `seen`
# be true where it is to stay.

# %%
import numpy as np
import torch
from _page import Pixels, budget, known, picture, pixels, show, tensor
from PIL import Image

from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe

clean = picture("inpainting/library.png", otherwise="brick")
clean = clean if clean.ndim == 3 else np.repeat(clean[..., None], 3, axis=2)
height, width = clean.shape[:2]
region = np.ones((height, width), np.bool_)
region[height // 3 : height // 2, width // 5 : width // 2] = False
seen = known("inpainting/library_mask.png", otherwise=region)
SMALLER = budget(tiny=8, reduced=3, full=1)
clean = np.asarray(Image.fromarray(clean).reduce(SMALLER))
seen = np.asarray(Image.fromarray(seen).convert("L").reduce(SMALLER)) == 255
y = np.where(seen[..., None], clean, 255).astype(np.uint8)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert m \odot (f_\theta(z) - y) \rVert^2$$
#
# The loss knows nothing of the region, so what appears there is the network's own: $f$ is the prior. As published:
# a latent of one channel for the encoder–decoder without skips, noise on its weights at every draw, and a smaller
# step for U-Net and ResNet. At the reduced budget each stops where it draws the known pixels equally well,
# or after 400 steps, which is too soon for 6 scales.

# %%
DOWN, STEPS = (16, 32, 64, 128, 128, 128), budget(tiny=2, reduced=400, full=3001)
ENOUGH = budget(tiny=0.0, reduced=0.006, full=0.0)  # misfit
HOURGLASS = {"kernel_down": 5, "upsampling": "nearest", "one_by_one": False}


def fitted(name: str, *, scales: int = 0) -> Pixels:
    """What a network makes of the picture with a region missing."""
    hourglass = {"down": DOWN[:scales], "up": DOWN[:scales], "skip": (0,) * scales, **HOURGLASS}
    channels = 1 if scales else 32
    with seeded(0):
        network = build(name, channels, 3, **(hourglass if scales else {}))
        z = 0.1 * torch.rand(1, channels, *seen.shape)
    prior = Prior(network, z, size=(seen.shape[0], seen.shape[1]), weight_noise=1 / 50 if scales else 0.0)
    weight = torch.from_numpy(seen)[None, None].float()
    recipe = Recipe(STEPS, 0.01 if scales else 0.001, average=0.9)
    drawn = y
    for state in Fit(Problem(prior, LeastSquares(tensor(y), weight=weight), recipe)):
        if state.step == STEPS or state.loss < ENOUGH:
            print(f"{name}, {f'{scales} scales' if scales else 'as published'}:", end=" ")
            print(f"misfit {state.loss:.4f} after {state.step} steps")
            drawn = pixels(state.average)
            break
    return drawn


# %%
made = {f"{scales} scales": fitted("skip", scales=scales) for scales in (6, 4, 2)}
made |= {"U-Net": fitted("unet"), "ResNet": fitted("resnet")}
show({"given": y, "without the hole": clean}, columns=2)

# %% [markdown]
# Side by side, the networks' pictures whole:

# %%
show(made, columns=3)

# %% [markdown]
# The known pixels put back. The more scales, the farther shelves and galleries are carried into the region; what 2
# scales, U-Net and ResNet draw there is local, blotches of the right size and no more. None of it would pass for
# the library.

# %%
show({name: np.where(seen[..., None], y, x) for name, x in made.items()}, columns=3)
