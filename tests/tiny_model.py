"""A small random model in a file that describes it, for the tests of what looks into models."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ipse import models
from ipse.models import chain
from ipse.pictures import Picture

LAYERS: list[chain.Layer] = [
    ("conv1", "conv", {"in_channels": 3, "out_channels": 8, "kernel_size": 5, "stride": 2, "padding": 2}),
    ("relu1", "relu", {}),
    ("conv2", "conv", {"in_channels": 8, "out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1}),
    ("relu2", "relu", {}),
    ("mean", "mean", {}),
    ("flatten", "flatten", {}),
    ("scores", "linear", {"in_features": 16, "out_features": 4}),
]
CLASSES = ["ash, European ash", "beech", "cherry, sweet cherry", "date palm"]
SIDE = 48


class Evil:
    """What makes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path("evil").touch, ())


def write(folder: Path) -> Path:
    """Write the model, and return its path."""
    torch.manual_seed(3)
    weights = nn.ModuleDict(chain.built(LAYERS)).state_dict()
    weights["scores.weight"] *= 100
    path = folder / "tiny.safetensors"
    models.save(path, LAYERS, weights, wants=models.Input(size=SIDE), classes=CLASSES)
    return path


def batch(image: NDArray[np.uint8]) -> Tensor:
    """An image (H, W, 3) as a model takes it."""
    return torch.from_numpy(Picture.from_array(image).pixels)[None]
