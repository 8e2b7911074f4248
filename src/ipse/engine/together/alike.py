"""f(·; θ₁), …, f(·; θ_K) → one f over stacked θ, for K modules that differ only in the values of their tensors."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from numpy import ndarray
from torch import Tensor, nn

Tensors = dict[str, Tensor]
MACHINERY = frozenset(
    name for name in vars(nn.Module()) if name.startswith("_")
)  # attributes of every module


def alike(first: nn.Module, second: nn.Module) -> bool:
    """Whether two modules compute the same function of their parameters, buffers and input."""
    mine, theirs = list(first.named_modules()), list(second.named_modules())
    return (
        len(mine) == len(theirs)
        and all(name == other and same_part(a, b) for (name, a), (other, b) in zip(mine, theirs, strict=True))
        and shapes(first) == shapes(second)
    )


def same_part(first: nn.Module, second: nn.Module) -> bool:
    """Whether two modules, apart from their submodules, have the same type and the same attributes."""
    if type(first) is not type(second):
        return False
    mine, theirs = (
        {name: value for name, value in vars(one).items() if name not in MACHINERY} for one in (first, second)
    )
    return mine.keys() == theirs.keys() and all(same(value, theirs[name]) for name, value in mine.items())


def same(first: object, second: object) -> bool:
    """Whether two attributes are equal. Arrays count as equal only if identical, because comparing them takes long."""
    if first is second:
        return True
    if type(first) is not type(second) or isinstance(first, Tensor | ndarray):
        return False
    try:
        return bool(first == second)
    except (RuntimeError, ValueError):  # tuples of tensors cannot be compared
        return False


def shapes(module: nn.Module) -> dict[str, tuple[object, ...]]:
    """The shape, dtype and device of every tensor, and whether it requires a gradient."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: (t.shape, t.dtype, t.device, t.requires_grad) for name, t in tensors.items()}


def stacked(tensors: Sequence[Tensors]) -> Tensors:
    """Stack tensors of the same name and shape into one (K, …), without sharing memory."""
    return {name: torch.stack([one[name].detach() for one in tensors]) for name in tensors[0]}


def differing(modules: Sequence[nn.Module]) -> list[Tensors]:
    """The tensors of alike modules whose values are not the same in all of them."""
    every = [{**dict(one.named_parameters()), **dict(one.named_buffers())} for one in modules]
    names = [
        name
        for name in every[0]
        if not all(a[name] is b[name] or torch.equal(a[name], b[name]) for a, b in pairwise(every))
    ]
    return [{name: one[name] for name in names} for one in every]


def chosen(tensors: Mapping[str, Tensor], rows: Sequence[int]) -> Tensors:
    """Some rows of each tensor."""
    return {name: tensor.detach()[list(rows)] for name, tensor in tensors.items()}
