# %% [markdown]
# # Super-resolution, ×4 and ×8
#
# The paper's figure of the zebra ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). To enlarge yours, call
# `ipse.upscale("mine.png", factor=4).save("large.png")`; to compare as here, let `large` be a picture that is
# downsampled first.

# %%
import torch
from _page import Pixels, budget, middle, picture, pixels, psnr, show, tensor
from torch.nn.functional import interpolate

import ipse
from ipse.engine.operators import Downsample
from ipse.settings import Preset

large = middle(picture("sr/zebra_GT.png", otherwise="astronaut"), budget(tiny=64, reduced=192, full=384))
large = large[: large.shape[0] // 8 * 8, : large.shape[1] // 8 * 8]

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert D f_\theta(z) - y \rVert^2$$
#
# $D$ downsamples; of all pictures that it maps to $y$, the network draws one with clean edges. There are two
# restorations: the network alone, and the default, which refines the network's picture by self-similarity.


# %%
def enlarged(factor: int) -> dict[str, Pixels]:
    """What comes of the picture at a fraction of its size, by name."""
    small = Downsample(factor)(tensor(large))
    given = pixels(small)
    preset: Preset = budget(tiny="fast", reduced="fast", full="good")
    steps = budget(tiny=3, reduced=None, full=None)
    made = {
        "bicubic": pixels(interpolate(small, scale_factor=factor, mode="bicubic")),
        "the network": ipse.upscale(given, factor=factor, network="fast", preset=preset, steps=steps).image,
        "and self-similarity": ipse.upscale(given, factor=factor, preset=preset, steps=steps).image,
    }
    shown = pixels(interpolate(small, scale_factor=factor, mode="nearest"))
    with torch.no_grad():
        kept = {name: psnr(pixels(Downsample(factor)(tensor(x))), given) for name, x in made.items()}
    for name, x in made.items():
        print(f"×{factor}, {name}: {psnr(x, large):.2f} dB; downsampled, it matches y to {kept[name]:.1f} dB")
    titled = {f"{name}, {psnr(x, large):.2f} dB": x for name, x in made.items()}
    return {f"given, ×{factor} larger": shown, **titled, "the original": large}


# %%
show(enlarged(4), columns=3)

# %%
show(enlarged(8), columns=3)
