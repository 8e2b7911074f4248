# %% [markdown]
# # What a trained model wants to see
#
# The paper's figure of activation maximisation ([Deep Image Prior](https://arxiv.org/abs/1711.10925)), with
# EfficientNet-Lite0 in place of AlexNet and VGG-16. For a class of yours, change
# `CLASS`: any of ImageNet's names.

# %%
from _page import budget, show, tensor

import ipse
from ipse import models

CLASS = "espresso"
LAYER, CHANNEL = "block8", 30
STEPS = budget(tiny=2, reduced=80, full=1500)

# %% [markdown]
# $$\theta^* = \arg\max_\theta \; \varphi_k(f_\theta(z)) - \lambda\,\mathrm{TV}(f_\theta(z))$$
#
# Free pixels with total variation give a pattern that activates the model but shows no object; the network is limited
# to pictures that it can draw easily.

# %%
model = models.load()
index = model.class_index(CLASS)
made = {}
for prior in ("pixels", "network"):
    x = ipse.maximise(CLASS, prior=prior, steps=STEPS).image
    chance = float(model.scores(tensor(x))[0, index])
    made[f"{CLASS}, {prior}, p = {chance:.3f}"] = x
    print(f"{prior}: the model gives {CLASS} a probability of {chance:.3f} after {STEPS} steps")

# %% [markdown]
# A channel within the model, all of its map:

# %%
for prior in ("pixels", "network"):
    x = ipse.maximise((LAYER, CHANNEL), prior=prior, steps=STEPS).image
    excited = float(model.features(tensor(x), [LAYER])[0][:, CHANNEL].mean())
    made[f"{LAYER}, channel {CHANNEL}, {prior}: {excited:.1f}"] = x

# %%
show(made)
