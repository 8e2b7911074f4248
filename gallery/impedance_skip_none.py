# %% [markdown]
# # Impedance to noise
#
# The paper's curves of fitting a picture, the picture with noise, its pixels shuffled, and white noise ([Deep Image
# Prior](https://arxiv.org/abs/1711.10925)): how quickly the network fits a natural picture, and how slowly noise. For
# yours, let `image` be your picture.

# %%
import numpy as np
import torch
from _page import Pixels, budget, middle, noisy, picture, pixels, plot, show, tensor

from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe

image = middle(picture("denoising/F16_GT.png", otherwise="astronaut"), budget(tiny=64, reduced=64, full=512))
STEPS = budget(tiny=2, reduced=200, full=5000)
WIDTH = budget(tiny=16, reduced=128, full=128)  # channels of each scale; as published but for the tiny budget

draw = np.random.default_rng(0)
shuffled = draw.permutation(image.reshape(-1, 3)).reshape(image.shape)
targets = {
    "picture": image,
    "picture + noise": noisy(image, sigma=25),
    "shuffled pixels": shuffled,
    "white noise": draw.integers(0, 256, image.shape, dtype=np.uint8),
}

# %% [markdown]
# $$E(\theta) = \lVert f_\theta(z) - y \rVert^2 \quad \text{for four } y$$
#
# The network is the published one, with 2.2 million parameters for no more than a million numbers: it can
# fit any of the four exactly. There is no jitter and no average here; the curves are the misfit itself.

# %%
CHECK = {1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 190, STEPS} | set(range(500, STEPS, 250))


def fitted(y: Pixels) -> tuple[list[int], list[float], Pixels]:
    """Steps, misfit at each of them, and the last picture."""
    with seeded(0):
        network = build("skip", 32, 3, down=(WIDTH,) * 5, up=(WIDTH,) * 5)
        z = 0.1 * torch.rand(1, 32, *y.shape[:2])
    prior = Prior(network, z, size=(y.shape[0], y.shape[1]))
    steps, misfits, last = list[int](), list[float](), y
    for state in Fit(Problem(prior, LeastSquares(tensor(y)), Recipe(STEPS, 0.01, average=0))):
        if state.step in CHECK:
            steps.append(state.step)
            misfits.append(state.loss)
            last = pixels(state.raw)
    return steps, misfits, last


curves, drawn = {}, {}
for name, y in targets.items():
    steps, misfits, drawn[f"{name}, as drawn"] = fitted(y)
    curves[name] = (steps, misfits)
    print(f"{name}: mean squared error {misfits[-1]:.4f} after {steps[-1]} steps")

# %%
plot(curves, x="step", y="mean squared error", log="x")

# %% [markdown]
# The targets, and how far the network has come with each:

# %%
show({**targets, **drawn})
