# %% [markdown]
# # What else can be fitted, and how: latent, down-sampler, L-BFGS
#
# The paper's code can fit the latent and the down-sampler as well as the network, and take L-BFGS in place of Adam
# ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For yours, let `large` be your picture.

# %%
import time
from typing import Literal

import torch
from _page import budget, middle, picture, pixels, plot, psnr, show, tensor
from torch.nn.functional import interpolate

from ipse.engine.fit import Fit
from ipse.engine.networks import build
from ipse.engine.objectives import LeastSquares
from ipse.engine.operators import Downsample, LearntDownsample
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Problem, Recipe

large = middle(picture("sr/zebra_GT.png", otherwise="astronaut"), budget(tiny=64, reduced=160, full=384))
large = large[: large.shape[0] // 4 * 4, : large.shape[1] // 4 * 4]
STEPS = budget(tiny=3, reduced=250, full=2000)

# %% [markdown]
# $$\arg\min_{\theta, z, k} \; \lVert (k \ast f_\theta(z))\!\downarrow - y \rVert^2$$
#
# The picture was downsampled with a bicubic kernel. The fit assumes a Lanczos kernel; where it may learn the kernel, it
# starts from that.

# %%
y = Downsample(4, kernel="bicubic")(tensor(large))
Optimiser = Literal["adam", "lbfgs"]


def problem(optimiser: Optimiser = "adam", *, latent: bool = False, kernel: bool = False) -> Problem:
    """Enlarge y four times, with what may be fitted besides the network."""
    with seeded(0):
        network = build("fast", 32, 3)
        z = torch.randn(1, 32, large.shape[0] // 2, large.shape[1] // 2)
    prior = Prior(network, z, size=(large.shape[0], large.shape[1]), learn_latent=latent)
    learnt = LearntDownsample(4) if kernel else None
    operator = Downsample(4, kernel="lanczos2") if learnt is None else learnt
    recipe = Recipe(STEPS, 1.0 if optimiser == "lbfgs" else 0.01, optimiser=optimiser, average=0.9)
    return Problem(prior, LeastSquares(y, operator), recipe, learnt=learnt)


posed = {
    "network": problem(),
    "network and latent": problem(latent=True),
    "network and down-sampler": problem(kernel=True),
    "network, L-BFGS": problem("lbfgs"),
}

# %%
SECONDS = budget(tiny=0.5, reduced=15.0, full=1800.0)
by_step, by_time, made = {}, {}, {}
for name, one in posed.items():
    start, steps, times, misfits = time.perf_counter(), list[int](), list[float](), list[float]()
    x = large
    for state in Fit(one):
        steps.append(state.step)
        times.append(time.perf_counter() - start)
        misfits.append(state.loss)
        x = pixels(state.average)
        if times[-1] > SECONDS:
            break
    by_step[name], by_time[name] = (steps, misfits), (times, misfits)
    made[f"{name}, {psnr(x, large):.2f} dB"] = x
    print(f"{name}: misfit {misfits[-1]:.2e} after {steps[-1]} steps, {psnr(x, large):.2f} dB")

# %% [markdown]
# A step of L-BFGS is a line search, so it is fair to compare by seconds.

# %%
plot(by_time, x="seconds", y="misfit", log="xy")

# %%
given = pixels(interpolate(y, scale_factor=4, mode="nearest"))
show({"given": given, **made, "the original": large}, columns=3)
