# %% [markdown]
# # Denoising: the fit, watched
#
# The paper's figure of a photograph with Gaussian noise, σ = 25
# ([Deep Image Prior](https://arxiv.org/abs/1711.10925)), as a film: the network draws the picture first and its noise
# last, so it matters when the fit stops. To see yours, let `clean` be your picture (`skimage.io.imread("mine.png")`).

# %%
from _page import Pixels, budget, middle, noisy, picture, pixels, plot, psnr, show

import ipse
from ipse.engine.stopping import Discrepancy, ExponentialVariance, HeldOut, Rule, WindowedVariance

clean = middle(picture("denoising/F16_GT.png", otherwise="astronaut"), budget(tiny=48, reduced=160, full=512))
y = noisy(clean, sigma=25)
STEPS = budget(tiny=6, reduced=1300, full=5000)

# %% [markdown]
# $$\theta^* = \arg\min_\theta \; \lVert f_\theta(z) - y \rVert^2, \qquad x^* = f_{\theta^*}(z)$$
#
# By default, `ipse.denoise` fits no network: self-similarity gives better results, faster. Here a network is fitted,
# with noise as the latent $z$. A restoration is a stream of states. Every rule below sees the same
# stream, and none of them sees the clean picture.

# %%
settings = ipse.Settings(network="fast", latent="noise", steps=STEPS, rule="last")
stream = ipse.Restoration(ipse.Picture.from_array(y), "denoise", settings, {"sigma": 25.0})
rules: dict[str, Rule] = {
    "held-out": HeldOut(patience=STEPS),
    "windowed variance": WindowedVariance(patience=STEPS),
    "exponential variance": ExponentialVariance(patience=STEPS),
    "discrepancy": Discrepancy(25 / 255),
}
EVERY = max(1, STEPS // 100)
drawn, best, stopped = dict[int, Pixels](), dict[str, tuple[int, Pixels]](), dict[str, int]()
for state in stream:
    if isinstance(state, ipse.Estimate):
        continue
    for name, rule in rules.items():
        verdict = rule(state)
        if verdict.best and name not in stopped:
            best[name] = (state.step, pixels(state.average))
        if verdict.stop:
            stopped[name] = state.step
    if state.step % EVERY == 0:
        drawn[state.step] = pixels(state.average)

# %%
curves = {
    "to the clean picture": (list(drawn), [psnr(x, clean) for x in drawn.values()]),
    "to the noisy one": (list(drawn), [psnr(x, y) for x in drawn.values()]),
}
plot(curves, x="step", y="PSNR, dB", marks={f"kept by {name}": step for name, (step, _) in best.items()})
peak = max(drawn, key=lambda step: psnr(drawn[step], clean))
print(f"noisy {psnr(y, clean):.2f} dB; best of all steps {psnr(drawn[peak], clean):.2f} dB, step {peak}")
for name, (step, x) in best.items():
    print(f"{name} keeps step {step}: {psnr(x, clean):.2f} dB")

# %% [markdown]
# ## Along the trajectory
#
# The curve to the noisy picture only rises; the one to the clean picture falls again when the network takes on the
# noise. How far it falls depends on the number of steps: run it at `IPSE_BUDGET=full`, or with a larger `STEPS`.

# %%
steps = list(drawn)
film = {
    f"step {step}": drawn[step]
    for step in (steps[0], steps[len(steps) // 20], steps[len(steps) // 5], steps[-1])
}
step, kept = best["held-out"]
default = ipse.denoise(y, sigma=25).image
show(
    {
        "noisy": y,
        **film,
        f"step {step}, held-out's choice, {psnr(kept, clean):.2f} dB": kept,
        f"ipse.denoise, no network, {psnr(default, clean):.2f} dB": default,
        "clean": clean,
    }
)
