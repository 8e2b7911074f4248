"""x = y − f_θ(y), f_θ fitted to y's own halves D₁y, D₂y, in which the noise is independent and the picture alike:

    ½ ‖D₁y − f(D₁y) − D₂y‖² + ½ ‖D₂y − f(D₂y) − D₁y‖²                     residual
    + ½ ‖D₁y − f(D₁y) − D₁(y − f(y))‖² + ½ ‖D₂y − f(D₂y) − D₂(y − f(y))‖²    consistency

D₁ and D₂ average one and the other diagonal of each 2 × 2 block. Mansour and Heckel, "Zero-Shot Noise2Noise", 2023,
https://arxiv.org/abs/2303.11285. The paper's network, steps and step size; each step sees a random square of ``CROP``
pixels a side instead of the whole picture, which would take hours on two cores for 512² RGB.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.cases import Array

STEPS = 2000
CROP = 128
RATE = 0.001  # halved at half of the steps


def network(channels: int) -> nn.Sequential:
    """Two 3×3 layers of 48 channels, and a 1×1 back to the picture's."""
    return nn.Sequential(
        nn.Conv2d(channels, 48, 3, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(48, 48, 3, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(48, channels, 1),
    )


def halves(y: Tensor) -> tuple[Tensor, Tensor]:
    """D₁y and D₂y, each (B, C, H/2, W/2); an odd last row or column is left out."""
    y = y[..., : y.shape[-2] // 2 * 2, : y.shape[-1] // 2 * 2]
    a, b, c, d = F.pixel_unshuffle(y, 2).unflatten(1, (-1, 4)).unbind(2)
    return (b + c) / 2, (a + d) / 2


def loss(f: nn.Module, y: Tensor) -> Tensor:
    """Residual and consistency."""
    (first, second), (clean_first, clean_second) = halves(y), halves(y - f(y))
    from_first, from_second = first - f(first), second - f(second)
    residual = F.mse_loss(from_first, second) + F.mse_loss(from_second, first)
    consistency = F.mse_loss(from_first, clean_first) + F.mse_loss(from_second, clean_second)
    return (residual + consistency) / 2


def crop(y: Tensor, draw: torch.Generator) -> Tensor:
    """A random square of y; all of it along a side that is shorter."""
    starts = [int(torch.randint(max(1, side - CROP + 1), (), generator=draw)) for side in y.shape[-2:]]
    return y[..., starts[0] : starts[0] + CROP, starts[1] : starts[1] + CROP]


def restore(damaged: Array, *, seed: int = 0, steps: int = STEPS) -> Array:
    """Denoise (C, H, W) in [0, 1]."""
    y = torch.from_numpy(damaged.astype(np.float32))[None]
    draw = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        f = network(y.shape[1])
    optimiser = torch.optim.Adam(f.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, max(1, steps // 2), gamma=0.5)
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        loss(f, crop(y, draw)).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return (y - f(y)).clamp(0, 1)[0].double().numpy()
