"""deepinv's own Deep Image Prior: its ``ConvDecoder``, Adam, the steps it takes by itself, no rule that stops it.

https://deepinv.github.io; Darestani and Heckel, 2021, https://doi.org/10.1109/TCI.2021.3097596.
"""

from importlib import import_module

import numpy as np
import torch

from bench.cases import Array

try:
    import_module("torchvision")  # which deepinv imports
except (
    RuntimeError
):  # PyTorch's CPU build lacks its operators; these two it stops at, and nothing here calls them
    OPERATORS = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        OPERATORS.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import deepinv  # pyright: ignore[reportMissingImports]  # where it is installed

CHANNELS = 64  # as in deepinv's example; its default of 256 takes ten times as long
GRID = (4, 4)  # of the latent


def restore(damaged: Array, *, known: Array | None, seed: int = 0) -> Array:
    """Restore (C, H, W); ``known`` (H, W) marks the pixels that are not missing."""
    y = torch.from_numpy(damaged.astype(np.float32))[None]
    torch.manual_seed(seed)
    physics = deepinv.physics.Denoising()
    if known is not None:
        mask = torch.from_numpy(known.astype(np.float32)).expand(y.shape[1:])
        physics = deepinv.physics.Inpainting(tuple(y.shape[1:]), mask=mask)
    decoder = deepinv.models.ConvDecoder(tuple(y.shape[1:]), in_size=GRID, channels=CHANNELS)
    prior = deepinv.models.DeepImagePrior(decoder, (CHANNELS, *GRID))
    return prior(y, physics).detach().clamp(0, 1)[0].double().numpy()
