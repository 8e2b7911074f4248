"""Preset "paper": the reference's settings for each task.

Ulyanov, Vedaldi, Lempitsky, Deep Image Prior, https://arxiv.org/abs/1711.10925, and its published notebooks. Where the
notebooks choose settings by file name, they are chosen here from the picture and the mask. Known bugs are fixed: the
result is the moving average, the fall-back works, and weight noise is applied to the weights.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from torch import Tensor

from ipse.engine.latents import canvas, latent
from ipse.engine.networks import build
from ipse.engine.prior import Prior, seeded
from ipse.engine.problem import Recipe
from ipse.settings import Settings
from ipse.tasks import _common


@dataclass(frozen=True)
class Paper:
    """The paper's settings for one task."""

    steps: int
    learning_rate: float = 0.01
    jitter: float = 0.0
    weight_noise: float = 0.0
    latent: Literal["noise", "meshgrid"] = "noise"
    channels: int = 32  #: of the latent
    average: float = 0.0
    fall_back: float | None = None
    network: dict[str, Any] = field(default_factory=dict[str, Any])

    def recipe(self, settings: Settings) -> Recipe:
        """The published recipe; in single precision unless the settings say otherwise."""
        rate = PLAIN_RATE if settings.network in PLAIN else self.learning_rate
        published = Recipe(self.steps, rate, average=self.average, fall_back=self.fall_back)
        precision = "float32" if settings.precision == "auto" else settings.precision
        return _common.recipe(replace(settings, precision=precision), published)

    def prior(
        self,
        like: Tensor,
        settings: Settings,
        *,
        size: tuple[int, int] | None = None,
        guide: Tensor | None = None,
    ) -> Prior:
        """The published network and latent, for a result with the channels of ``like`` (1, C, H, W).

        ``guide`` (1, C', h, w) is used as the latent, if given.
        """
        size = size or (like.shape[-2], like.shape[-1])
        kind, name = settings.latent or self.latent, settings.network or "skip"
        channels = {"noise": self.channels, "meshgrid": 2, "image": like.shape[1]}[kind]
        if guide is not None:
            kind, channels = "image", guide.shape[1]
        options = self.network if name == "skip" else {}
        with seeded(settings.seed):
            network = build(name, channels, like.shape[1], **options)
        z = latent(
            kind,
            canvas(like if guide is None else guide, size, step=network.latent_stride),
            channels=channels,
            generator=_common.source(like, settings, size, network.latent_stride),
        )
        return Prior(
            network.to(like.device),
            z,
            size=size,
            jitter=self.jitter,
            weight_noise=self.weight_noise,
            seed=settings.seed,
        )


PLAIN, PLAIN_RATE = ("unet", "resnet"), 0.001  # the paper uses a lower learning rate for these networks
WIDE = (128,) * 5
GROWING = (16, 32, 64, 128, 128, 128)


def denoise(sigma: float | None) -> Paper:
    """Gaussian noise; ``sigma`` in [0, 1]. The jitter of the latent is larger from σ = 50/255 on."""
    jitter = 1 / 20 if sigma is not None and sigma >= 45 / 255 else 1 / 30
    return Paper(3000, jitter=jitter, average=0.99, fall_back=5.0)


def dejpeg() -> Paper:
    """Blind JPEG clean-up."""
    widths = (8, 16, 32, 64, 128)
    network = {"down": widths, "up": widths, "skip": (0, 0, 0, 4, 4)}
    return Paper(2400, jitter=1 / 30, channels=3, average=0.99, fall_back=5.0, network=network)


def upscale(factor: int) -> Paper:
    """×4 and, from 5 on, ×8."""
    return Paper(2000, jitter=0.03) if factor <= 4 else Paper(4000, jitter=0.05)


def invert(*, heavy: bool) -> Paper:
    """Feature inversion, without noise or with heavy noise, whose schedule belongs to the prior."""
    kernels = (7, 7, 5, 5, 3, 3)
    network = {
        "down": GROWING, "up": GROWING, "skip": (4,) * 6, "kernel_down": kernels, "kernel_up": kernels,
        "downsampling": "avg", "upsampling": "nearest", "padding": "zero",
    }  # fmt: skip
    return Paper(20000, 0.01, channels=2, network=network) if heavy else Paper(3100, 0.001, network=network)


def maximise(*, one_class: bool) -> Paper:
    """Activation maximisation, of a class or a channel."""
    network = {
        "down": GROWING, "up": GROWING, "skip": (0, 4, 4, 4, 4, 4), "kernel_down": (5, 3, 5, 5, 3, 5),
        "kernel_up": (5, 3, 5, 3, 5, 3), "downsampling": "avg",
    }  # fmt: skip
    rate = 0.01 if one_class else 0.001
    return Paper(3100, rate, jitter=0.03, weight_noise=1 / 50, network=network)


def compare_priors() -> Paper:
    """The network of the three-way comparison."""
    return Paper(2000, jitter=1 / 30)


def flash() -> Paper:
    """Flash and no-flash pair: the latent is the flash photo."""
    up = ("nearest", "nearest", "bilinear", "bilinear", "bilinear")
    return Paper(601, 0.1, network={"upsampling": up})


def inpaint(missing: float, radius: int) -> Paper:
    """The recipe of the paper's example with the most similar mask.

    Args:
        missing: fraction of missing pixels, in (0, 1).
        radius: largest distance from a missing pixel to the nearest known one, in pixels.
    """
    if missing >= 0.9:  # 2 % of the pixels known
        widths = GROWING[:5]
        return Paper(1000, network={"down": widths, "up": widths, "skip": (0,) * 5, "downsampling": "avg"})
    if missing >= 0.3 and radius <= 8:  # half of the pixels known
        return Paper(11000, 0.001, jitter=0.03, fall_back=5.0)
    if radius <= 8:  # text and scratches
        return Paper(6001, jitter=0.03, network={"skip": WIDE, "upsampling": "nearest"})
    if missing > 0.1:  # regions
        network = {"down": GROWING, "up": GROWING, "skip": (0,) * 6, "kernel_down": 5, "one_by_one": False}
        return Paper(3001, channels=1, weight_noise=1 / 50, network={**network, "upsampling": "nearest"})
    return Paper(  # a large hole
        5001, jitter=0.03, latent="meshgrid", channels=2, network={"skip": (0,) * 5, "upsampling": "nearest"}
    )
