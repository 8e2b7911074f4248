"""φ_l(x): the features of a picture at the layers of a trained model. The model is frozen; only x changes.

    u = (order(x) − mean) / std,     φ_1 = m_1(u),     φ_l = m_l(φ_{l−1})

Every model is a chain of named layers, which can be evaluated up to any of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ipse.errors import OptionError, PictureError, nearest


@dataclass(frozen=True)
class Input:
    """The input that a model expects."""

    size: int = 224  #: side in pixels
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)  #: in units of x, after ``order``
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    order: Literal["rgb", "bgr"] = "rgb"


class Model(nn.Module):
    """A trained chain.

    Args:
        name: its name.
        layers: its layers in order, by name.
        wants: the input that it expects.
        classes: the names of the last layer's channels, each with its synonyms, separated by commas; may be empty.
        digest: SHA-256 of the file that its weights came from.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        layers: Mapping[str, nn.Module],
        *,
        wants: Input,
        classes: Sequence[str] = (),
        digest: str = "",
    ) -> None:
        super().__init__()
        self.name, self.wants, self.classes, self.digest = name, wants, tuple(classes), digest
        self.names = tuple(layers)
        self.chain = nn.ModuleList(layers.values())
        self.register_buffer("mean", torch.tensor(wants.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(wants.std)[:, None, None])
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "Model":  # noqa: ARG002 - PyTorch's signature
        """Stay in evaluation mode: normalisation by the learnt statistics, no dropout."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """The last layer's output for pictures x (B, 1 or 3, H, W) in [0, 1]."""
        return self.features(x, self.names[-1:])[0]

    def features(self, x: Tensor, layers: Sequence[str]) -> list[Tensor]:
        """The outputs of ``layers``, in their order; layers after the last of them are not computed.

        Raises:
            OptionError: there is no such layer.
            PictureError: x has neither one nor three channels.
        """
        places = [self.place(layer) for layer in layers]
        seen: dict[int, Tensor] = {}
        u = self.seen(x)
        for place, layer in enumerate(self.chain[: max(places) + 1]):
            u = layer(u)
            if place in places:
                seen[place] = u
        return [seen[place] for place in places]

    def seen(self, x: Tensor) -> Tensor:
        """x (B, 1 or 3, H, W) in [0, 1] at the model's size, in its units."""
        if x.shape[1] not in (1, 3):
            raise PictureError(
                f"the picture has {x.shape[1]} channels; expected gray or RGB: convert it first"
            )
        rgb = self.resized(x).expand(-1, 3, -1, -1)
        return ((rgb.flip(1) if self.wants.order == "bgr" else rgb) - self.mean) / self.std

    def resized(self, x: Tensor) -> Tensor:
        """x at the model's size, without preserving the aspect ratio."""
        size = (self.wants.size, self.wants.size)
        return x if x.shape[-2:] == size else interpolate(x, size, mode="bilinear", antialias=True)

    def scores(self, x: Tensor) -> Tensor:
        """The probability of each class, (B, classes)."""
        return self(x).flatten(1).softmax(1)

    def place(self, layer: str) -> int:
        """The position of a layer in the chain.

        Raises:
            OptionError: there is none of that name.
        """
        if layer not in self.names:
            raise OptionError(f"layer {layer!r} is unknown to {self.name}: {nearest(layer, self.names)}")
        return self.names.index(layer)

    def class_index(self, wanted: str) -> int:
        """The channel of a class, by one of its names, or by its number.

        Raises:
            OptionError: there is none; the message names the nearest.
        """
        synonyms = {
            name.strip().lower(): i
            for i, line in reversed(list(enumerate(self.classes)))
            for name in line.split(",")
        }
        if wanted.isdecimal() and int(wanted) < (len(self.classes) or 1 << 30):
            return int(wanted)
        if wanted.strip().lower() not in synonyms:
            hint = (
                nearest(wanted.lower(), synonyms) if len(synonyms) < 20 else _close(wanted.lower(), synonyms)
            )
            raise OptionError(f"class {wanted!r} is unknown to {self.name}: {hint}")
        return synonyms[wanted.strip().lower()]


def _close(name: str, names: Mapping[str, int]) -> str:
    """The closest names, if there are too many to list."""
    within = [known for known in names if name in known.split() or name in known][:3]
    hint = nearest(name, names) if not within else f"did you mean {' or '.join(within)}?"
    return (
        hint
        if hint.startswith("did")
        else f"give one of its {len(set(names.values()))} classes, by name or number"
    )
