# %% [markdown]
# # What a trained model still knows
#
# The paper's figures of inverted features, from the deepest layer to the first ([Deep Image
# Prior](https://arxiv.org/abs/1711.10925)). For yours call `ipse.invert("mine.png", layer="block4")`. The paper
# inverts AlexNet and VGG-19; here it is EfficientNet-Lite0, whose weights come with the extra `models`, and with
# `model="vgg19"` it is the paper's, where torchvision has put its weights.

# %%
from _page import budget, picture, pixels, psnr, show, tensor
from torch import Tensor

import ipse
from ipse import models
from ipse.api import Common

y = picture("feature_inversion/building.jpg", otherwise="coffee")
LAYERS = budget(
    tiny=("head", "block0"),
    reduced=("head", "block8", "block4", "block0"),
    full=("head", "block12", "block8", "block4", "block2", "block0"),
)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert \varphi_l(f_\theta(z)) - \varphi_l(y) \rVert^2$$
#
# $\varphi_l$ are the model's features after layer $l$. Many pictures have the same features; the network draws one that
# looks natural. It shows how much of $y$ the layer has kept.

# %%
model = models.load()
seen = pixels(model.resized(tensor(y)))
hard: Common = budget(
    tiny=Common(preset="fast", steps=2), reduced=Common(preset="fast", steps=100), full=Common(preset="best")
)


def said(image: str, x: Tensor) -> str:
    """What the model takes a picture for."""
    chances = model.scores(x)[0]
    top = int(chances.argmax())
    return f"{image}: {model.classes[top].split(',')[0]}, {float(chances[top]):.3f}"


print(said("the picture", tensor(seen)))
made = {}
for layer in LAYERS:
    x = ipse.invert(y, layer=layer, **hard).image
    made[f"{layer}, {psnr(x, seen):.1f} dB"] = x
    print(said(layer, tensor(x)), f"{psnr(x, seen):.1f} dB", sep=", ")

# %%
show({"the picture": seen, **made}, columns=4)
