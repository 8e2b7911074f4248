"""Helpers for tasks: the picture as a tensor, priors, recipes and stopping rules from the settings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ipse.devices import find_device, find_precision
from ipse.engine import networks
from ipse.engine.latents import Window, canvas, latent, noise
from ipse.engine.objectives import LeastSquares
from ipse.engine.prior import GuidedPrior, Prior, seeded, silence
from ipse.engine.problem import Recipe
from ipse.engine.stopping import Rule, named
from ipse.pictures import Picture
from ipse.settings import Settings, Within

Size = tuple[int, int]
Effort = Literal["fast", "good", "best"]


def tensor(picture: Picture, settings: Settings) -> Tensor:
    """The picture's pixels as a tensor (1, C, H, W) on the device of the settings."""
    return torch.from_numpy(picture.pixels)[None].to(find_device(settings.device))


def generator(y: Tensor, settings: Settings) -> torch.Generator:
    """The task's random generator; other random streams (initial weights, jitter) are seeded separately."""
    return torch.Generator(y.device).manual_seed(settings.seed)


def source(like: Tensor, settings: Settings, size: Size, step: int) -> torch.Generator | Window:
    """The random source of a latent of ``size`` / ``step``; for a tile, its window of the whole picture's latent."""
    if not isinstance(settings, Within):
        return generator(like, settings)
    place, factor = settings.place, size[0] // like.shape[-2]
    whole = tuple(-(-length * factor // step) for length in place.size)
    top, left = place.top * factor // step, place.left * factor // step
    return Window(top, left, (whole[0], whole[1]), settings.seed, like.device)


def free_prior(
    like: Tensor, settings: Settings, *, size: Size | None = None, sigmoid: bool = True, **core: int
) -> Prior:
    """f_θ(z), not guided by a first estimate: the network and latent of the settings, by default "fast" on noise.

    z ~ N(0, 1) without jitter converges several times faster than the reference's small uniform noise.

    Args:
        like: a tensor (1, C, H, W) with the channels and the device of the result; also the "image" latent.
        size: (H, W) of the result; by default that of ``like``.
        sigmoid: whether the result lies between 0 and 1.
    """
    size = size or (like.shape[-2], like.shape[-1])
    kind = settings.latent or "noise"
    channels = 32 if kind == "noise" else 2 if kind == "meshgrid" else like.shape[1]
    options = {"fold": kind != "noise", **core} if (settings.network or "fast") == "fast" else {}
    network = build(settings, channels, like.shape[1], sigmoid=sigmoid, **options).to(like.device)
    step = int(getattr(network, "latent_stride", 1))
    draw = source(like, settings, size, step)
    if kind == "noise":
        coarse = (-(-size[0] // step), -(-size[1] // step))
        z = noise(channels, coarse, generator=draw, distribution="normal", scale=1.0)
    else:
        z = latent(kind, canvas(like, size, step=step), channels=channels, generator=draw)
    return Prior(network, z, size=size, seed=settings.seed)


def guided_prior(picture: Tensor, settings: Settings, *, jitter: float, **options: Any) -> GuidedPrior:
    """p + f_θ(p + ε): a correction of the first estimate p, which starts at zero."""
    channels = picture.shape[1]
    if (settings.network or "fast") == "fast":
        options = {"fold": True, **options}
    network = build(settings, channels, channels, sigmoid=False, **options).to(picture.device)
    silence(network)
    return GuidedPrior(network, picture, jitter=jitter, seed=settings.seed)


def from_neighbours(y: Tensor, known: Tensor) -> Tensor:
    """Replace isolated unknown pixels by the mean of their known neighbours; ``known`` is bool (1, 1, H, W)."""
    weight = known.to(y.dtype)
    sums = [avg_pool2d(part, 3, 1, 1, count_include_pad=True) for part in (y * weight, weight)]
    return torch.where(known, y, sums[0] / sums[1].clamp_min(1e-6))


def noisier(y: Tensor, sigma: float, seed: int) -> Tensor:
    """Add Gaussian noise of standard deviation ``sigma`` to y."""
    draw = torch.Generator(y.device).manual_seed(seed)
    return y + sigma * torch.randn(y.shape, generator=draw, device=y.device)


def build(settings: Settings, channels_in: int, channels_out: int, **options: Any) -> torch.nn.Module:
    """Build the network of the settings, with weights initialised from the seed."""
    with seeded(settings.seed):
        return networks.build(settings.network or "fast", channels_in, channels_out, **options)


def recipe(settings: Settings, default: Recipe) -> Recipe:
    """The default recipe, with the number of steps and the precision of the settings."""
    precision = find_precision(settings.precision, find_device(settings.device))
    steps = default.steps if settings.steps is None else settings.steps
    return replace(default, steps=steps, precision=precision)


def effort(settings: Settings) -> Effort:
    """The preset for the classical estimates, which have none for "paper"."""
    return "good" if settings.preset == "paper" else settings.preset


def alone() -> Recipe:
    """The recipe for no fit: the first estimate is the result."""
    return Recipe(steps=0)


def rule(
    settings: Settings,
    default: Callable[[], Rule],
    *,
    sigma: float | None = None,
    fidelity: LeastSquares | None = None,
) -> Rule:
    """The stopping rule of the settings, or the task's default.

    Args:
        settings: the settings.
        default: makes the task's default rule.
        sigma: the noise level, needed by the discrepancy rule.
        fidelity: the data term, for the discrepancy rule, if the loss has other terms as well.

    Raises:
        OptionError: the discrepancy rule was chosen, but the noise level is neither given nor estimated.
    """
    if settings.rule is None:
        return default()
    return named(settings.rule, sigma=sigma, misfit=None if fidelity is None else fidelity.error)
