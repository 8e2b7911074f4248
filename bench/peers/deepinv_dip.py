"""deepinv's own Deep Image Prior: its ``ConvDecoder`` of 64 channels, Adam, no rule that stops it.

https://deepinv.github.io; Darestani and Heckel, 2021, https://doi.org/10.1109/TCI.2021.3097596.
"""

import deepinv  # pyright: ignore[reportMissingImports]  # where it is installed
import numpy as np
import torch

from bench.cases import Array

CHANNELS = 64
GRID = (4, 4)  # of the latent
STEPS = 500


def restore(damaged: Array, *, known: Array | None, seed: int = 0) -> Array:
    """Restore (C, H, W); ``known`` (H, W) marks the pixels that are not missing."""
    y = torch.from_numpy(damaged.astype(np.float32))[None]
    torch.manual_seed(seed)
    physics = deepinv.physics.Denoising()
    if known is not None:
        mask = torch.from_numpy(known.astype(np.float32)).expand(y.shape[1:])
        physics = deepinv.physics.Inpainting(tuple(y.shape[1:]), mask=mask)
    decoder = deepinv.models.ConvDecoder(tuple(y.shape[1:]), in_size=GRID, channels=CHANNELS)
    prior = deepinv.models.DeepImagePrior(decoder, (CHANNELS, *GRID), iterations=STEPS)
    return prior(y, physics).detach().clamp(0, 1)[0].double().numpy()
