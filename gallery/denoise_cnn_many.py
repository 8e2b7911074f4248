# %% [markdown]
# # One picture or many
#
# Not in the paper, but the first question after it ([Deep Image Prior](https://arxiv.org/abs/1711.10925)): from
# how many pairs of noisy and clean pictures on is a network trained on them better than a restoration from one noisy
# picture alone? For yours, let `test` be your picture; it must not be among the training pictures.

# %%
import numpy as np
import skimage.data
import torch
from _page import Pixels, budget, middle, noisy, picture, pixels, plot, psnr, show, tensor
from torch import Tensor, nn

import ipse

SIGMA = 25.0
test = middle(picture("denoising/F16_GT.png", otherwise="astronaut"), budget(tiny=48, reduced=160, full=512))
y = noisy(test, sigma=SIGMA)
PAIRS = budget(tiny=(1, 2), reduced=(1, 4, 16), full=(1, 2, 4, 8, 16))
STEPS = budget(tiny=3, reduced=800, full=20000)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \sum_{i=1}^{n} \lVert g_\theta(y_i) - x_i \rVert^2 \qquad \text{against} \qquad
# \theta^* = \arg\min_\theta \lVert f_\theta(z) - y \rVert^2$$
#
# The usual way: a small convolutional network $g$ that predicts the noise, trained by the mean squared error on
# crops of $n$ pairs from scikit-image's pictures. The noise of a pair is drawn once: it is one pair, however often
# it is seen.

# %%
NAMES = (
    "chelsea", "coffee", "camera", "rocket", "coins", "brick", "grass", "moon",
    "gravel", "page", "clock", "text", "retina", "hubble_deep_field", "immunohistochemistry", "horse",
)  # fmt: skip


def pair(index: int) -> tuple[Tensor, Tensor]:
    """The noisy and the clean picture, (1, 3, H, W); gray ones three times over."""
    image = getattr(skimage.data, NAMES[index])()
    image = (255 * image).astype(np.uint8) if image.dtype == bool else image
    clean: Pixels = middle(image if image.ndim == 3 else np.repeat(image[..., None], 3, 2), 192)
    return tensor(noisy(clean, sigma=SIGMA, seed=index)), tensor(clean)


def trained(count: int) -> nn.Module:
    """A denoiser from the first ``count`` pairs."""
    torch.manual_seed(0)
    middle_layers = [layer for _ in range(4) for layer in (nn.Conv2d(32, 32, 3, padding=1), nn.ReLU())]
    network = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), *middle_layers, nn.Conv2d(32, 3, 3, padding=1)
    )
    pairs, draw = [pair(index) for index in range(count)], np.random.default_rng(0)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=STEPS)
    for _ in range(STEPS):
        crops = list[tuple[Tensor, Tensor]]()
        for _ in range(4):
            seen, clean = pairs[draw.integers(count)]
            top, left = (int(draw.integers(length - 48 + 1)) for length in seen.shape[-2:])
            crops.append(
                (seen[..., top : top + 48, left : left + 48], clean[..., top : top + 48, left : left + 48])
            )
        seen, clean = (torch.cat(parts) for parts in zip(*crops, strict=True))
        optimiser.zero_grad()
        loss = (network(seen) - (seen - clean)).square().mean()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


# %%
made, levels = {}, []
for count in PAIRS:
    network = trained(count)
    with torch.no_grad():
        x = pixels(tensor(y) - network(tensor(y)))
    levels.append(psnr(x, test))
    made[f"{count} pairs, {levels[-1]:.2f} dB"] = x
    print(f"trained on {count} pairs: {levels[-1]:.2f} dB")

# %% [markdown]
# One picture alone: by the network, from noise, and by ipse's default, self-similarity.

# %%
STEPS_ALONE = budget(tiny=3, reduced=500, full=5000)
network_alone = ipse.denoise(y, sigma=SIGMA, network="fast", latent="noise", steps=STEPS_ALONE).image
default = ipse.denoise(y, sigma=SIGMA).image
alone = {
    "the network, one picture": psnr(network_alone, test),
    "ipse.denoise, one picture": psnr(default, test),
}
for name, level in alone.items():
    better = [count for count, reached in zip(PAIRS, levels, strict=True) if reached > level]
    print(
        f"{name}: {level:.2f} dB; passed from {better[0]} pairs on"
        if better
        else f"{name}: {level:.2f} dB; passed by none of these"
    )

# %%
show({"noisy": y, **made, "the network, one picture": network_alone, "ipse.denoise": default, "clean": test})

# %%
flat = {name: (list(PAIRS), [level] * len(PAIRS)) for name, level in alone.items()}
plot({"trained on pairs": (list(PAIRS), levels), **flat}, x="pairs", y="PSNR, dB", log="x")

# %% [markdown]
# With few steps of training all numbers of pairs give similar results, because the steps limit the trained network, not
# its data; `IPSE_BUDGET=full` trains twenty-five times longer.
