# %% [markdown]
# # Which latent: noise, coordinates, or the picture itself
#
# The paper feeds its network with noise, or with coordinates; popular articles feed it with the damaged
# picture itself, so that input and target are the same ([Deep Image Prior](https://arxiv.org/abs/1711.10925)). For
# yours, let `clean` be your picture.

# %%
from _page import budget, middle, noisy, picture, pixels, plot, psnr, show

import ipse

clean = middle(picture("denoising/F16_GT.png", otherwise="astronaut"), budget(tiny=64, reduced=128, full=512))
y = noisy(clean, sigma=25)
STEPS = budget(tiny=4, reduced=600, full=5000)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert f_\theta(z) - y \rVert^2 \qquad z \sim \mathcal{N}(0, 1), \quad
# z_{ij} = (i/H, j/W), \quad z = y$$
#
# The rule looks at pixels that the fit does not see, and keeps the step that predicts them best.

# %%
curves, made = {}, {}
for latent in ("noise", "meshgrid", "image"):
    settings = ipse.Settings(network="fast", latent=latent, steps=STEPS)
    stream = ipse.Restoration(ipse.Picture.from_array(y), "denoise", settings, {"sigma": 25.0})
    steps, levels = list[int](), list[float]()
    for state in stream:
        if not isinstance(state, ipse.Estimate) and (state.step % 10 == 0 or state.step == 1):
            steps.append(state.step)
            levels.append(psnr(pixels(state.average), clean))
    result = stream.result()
    x = result.picture.to_array()
    curves[latent] = (steps, levels)
    made[f"{latent}, step {result.step}, {psnr(x, clean):.2f} dB"] = x
    print(
        f"{latent}: kept step {result.step}, {psnr(x, clean):.2f} dB; best of all steps {max(levels):.2f} dB"
    )

# %%
plot(curves, x="step", y="PSNR to the clean picture, dB")

# %%
show({f"noisy, {psnr(y, clean):.2f} dB": y, **made, "clean": clean}, columns=3)
