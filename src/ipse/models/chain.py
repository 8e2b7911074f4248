"""m_1 ∘ m_2 ∘ …: a chain of plain layers, described as data, and a file that holds one with its weights.

The description is a list of (name, kind, options). A ``.safetensors`` file stores it as JSON in its metadata, under
"ipse model", and its tensors are named LAYER.weight and LAYER.bias. Such a file cannot contain code, so any of them is
safe to open.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ipse.errors import OptionError, nearest
from ipse.models.model import Input, Model

Layer = tuple[str, str, Mapping[str, Any]]

KEY = "ipse model"
KINDS: Mapping[str, Callable[..., nn.Module]] = {
    "conv": nn.Conv2d,
    "linear": nn.Linear,
    "relu": nn.ReLU,
    "max_pool": nn.MaxPool2d,
    "avg_pool": nn.AvgPool2d,
    "mean": lambda: nn.AdaptiveAvgPool2d(1),
    "flatten": nn.Flatten,
    "lrn": nn.LocalResponseNorm,
    "batch_norm": nn.BatchNorm2d,
}


def built(layers: Sequence[Layer]) -> dict[str, nn.Module]:
    """Build a chain's layers, by name.

    Raises:
        OptionError: the description is invalid.
    """
    made: dict[str, nn.Module] = {}
    for name, kind, options in layers:
        if kind not in KINDS:
            raise OptionError(f"layer {name!r} is of kind {kind!r}, which is unknown: {nearest(kind, KINDS)}")
        if name in made or "." in name:
            raise OptionError(
                f"layer {name!r} cannot be so called; expected a name of its own, without a dot"
            )
        try:
            made[name] = KINDS[kind](**options)
        except (TypeError, ValueError) as error:
            raise OptionError(f"layer {name!r} cannot be built ({error}): correct its options") from error
    return made


def filled(layers: dict[str, nn.Module], tensors: Sequence[Tensor], *, name: str) -> dict[str, nn.Module]:
    """Copy weights into layers in their order, because files name the same layers differently.

    Raises:
        OptionError: the weights do not fit the layers; the message calls their file ``name``.
    """
    state = nn.ModuleDict(layers).state_dict(keep_vars=True)
    ours = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    theirs = [tensor for tensor in tensors if tensor.ndim]
    if [tuple(tensor.shape) for tensor in ours.values()] != [tuple(tensor.shape) for tensor in theirs]:
        raise OptionError(
            f"{name} holds {len(theirs)} tensors that do not fit the model's {len(ours)}; give the model's own file"
        )
    with torch.no_grad():
        for own, tensor in zip(ours.values(), theirs, strict=True):
            own.copy_(tensor)
    return layers


def save(
    path: Path,
    layers: Sequence[Layer],
    tensors: Mapping[str, Tensor],
    *,
    wants: Input,
    classes: Sequence[str] = (),
) -> None:
    """Write a chain with its weights (LAYER.weight, LAYER.bias, …), for ``read``."""
    body = json.dumps({"layers": list(layers), "wants": asdict(wants), "classes": list(classes)})
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path, metadata={KEY: body})


def read(path: Path, *, digest: str) -> Model:
    """Read a chain with its weights.

    Raises:
        OptionError: the file does not contain a chain.
    """
    try:
        with safe_open(path, framework="pt") as file:
            held = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is not a mapping
    except (SafetensorError, OSError) as error:
        raise OptionError(f"{path} is no safetensors file ({error}): give a model's own file") from error
    try:
        body = cast(dict[str, Any], json.loads(held[KEY]))
        layers = built([(name, kind, options) for name, kind, options in body["layers"]])
        wants: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in body["wants"].items()
        }
        classes = tuple(map(str, body["classes"]))
        names = nn.ModuleDict(layers).state_dict()
        ordered = [tensors[key] for key in names if not key.endswith("num_batches_tracked")]
        given = Input(**wants)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(
            f"{path} does not describe its layers ({error!r}): write it by ipse.models.save"
        ) from error
    return Model(
        path.name, filled(layers, ordered, name=str(path)), wants=given, classes=classes, digest=digest
    )
