"""A device that is not there: tensors on the CPU that say they are on it, and refuse what it refuses.

    with FakeDevice("mps"):
        x = torch.zeros(3, device="mps") ...     # x.device is mps; x + torch.zeros(3) is an error, as is x.double()

What a device refuses: tensors of two devices in one operation, a generator of another device, ``numpy()``, and on
Apple's GPUs float64 and the operations without a kernel there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# of PyTorch 2.13's native_functions.yaml: a kernel for the CPU and none for MPS
MISSING = {
    "mps": {
        "_aminmax",
        "_linalg_eigh",
        "_linalg_svd",
        "_upsample_bicubic2d_aa_backward",
        "_upsample_bilinear2d_aa_backward",
        "binomial",
        "heaviside",
        "linalg_eig",
        "linalg_eigvals",
        "linalg_lstsq",
        "linalg_pinv",  # by _linalg_svd
        "mode",
        "poisson",
        "put_",
        "take",
    }
}
COPIES = {
    "copy_",
    "__set__",
    "to",
    "type_as",
    "_has_compatible_shallow_copy_type",
}  # may take from one device to another
REAL = torch.Generator
DEVICE, IS_CUDA = torch.Tensor.device.__get__, torch.Tensor.is_cuda.__get__


def leaves(value: Any) -> list[Any]:
    """What lies in nested tuples, lists and dictionaries; a tenth of the time of PyTorch's ``tree_leaves``."""
    if isinstance(value, dict):
        value = list(cast("dict[Any, Any]", value).values())
    elif not isinstance(value, tuple | list):
        return [value]
    return [leaf for one in cast("list[Any]", value) for leaf in leaves(one)]


class Generator(REAL):
    """A generator that remembers where it was made for."""

    place = torch.device("cpu")

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made = super().__new__(cls, "cpu")
        made.place = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:  # pyright: ignore[reportIncompatibleVariableOverride] - that is the point
        return self.place


class Refusing(TorchDispatchMode):
    """Refuses operations that have no kernel."""

    def __init__(self, missing: set[str]) -> None:
        super().__init__()
        self.missing = missing

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and the detour takes as long as the rest

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (name := named(func)) in self.missing:
            raise NotImplementedError(f"The operator 'aten::{name}' is not implemented for this device")
        return func(*args, **(kwargs or {}))


@cache
def named(func: Any) -> str:
    """The name of an operation, whatever its types."""
    return func.name().removeprefix("aten::").partition(".")[0]


class FakeDevice(TorchFunctionMode):
    """See above; enter it for as long as the device is to be there.

    Args:
        name: "mps" or "cuda:0".
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.device = torch.device(name)
        self.missing = MISSING.get(self.device.type, set())
        self.seen = 0  #: operations that had something on the device

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func == DEVICE:
            return self.device if fake(args[0]) else args[0].device
        if func == IS_CUDA:
            return fake(args[0]) and self.device.type == "cuda"
        name = str(getattr(func, "__name__", func))
        tensors = [leaf for leaf in leaves(args) + leaves(kwargs) if isinstance(leaf, Tensor)]
        on = any(fake(tensor) for tensor in tensors)
        self.check(name, args, kwargs, tensors, on=on)
        if name in ("copy_", "__set__", "__setitem__"):
            return self.moved(func, name, args, kwargs)
        target, args, kwargs = self.told(name, args, kwargs, on=on)
        out = self.called(func, args, kwargs, on=on)
        if isinstance(out, Tensor) and fake(out) != target and any(out is tensor for tensor in tensors):
            out = out.clone()  # the same memory is on one device only
        for leaf in leaves(out):
            if isinstance(leaf, Tensor):
                self.mark(leaf, name, target=target)
        return out

    def called(self, func: Callable[..., Any], args: Any, kwargs: Any, *, on: bool) -> Any:
        """What the function returns, if the device has it."""
        self.seen += on
        if not on or not self.missing:
            return func(*args, **kwargs)
        with Refusing(self.missing):
            return func(*args, **kwargs)

    def check(
        self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], tensors: list[Tensor], *, on: bool
    ) -> None:
        """Refuse what mixes devices."""
        drawn = kwargs.get("generator")
        wanted = kwargs.get("device")
        there = on if wanted is None else torch.device(wanted).type != "cpu"
        if isinstance(drawn, REAL) and (drawn.device.type != "cpu") != there:
            raise RuntimeError(f"Expected a generator of the same device ({name})")
        if not on or name in COPIES:
            return
        if name in ("numpy", "__array__"):
            raise TypeError(f"can't convert {self.device} device type tensor to numpy")
        if name in ("__getitem__", "__setitem__"):  # indices may be on the CPU
            moved = name == "__setitem__" and not any(isinstance(leaf, Tensor) for leaf in leaves(args[1]))
            seen = (args[0], *(() if moved else args[2:]))
            tensors = [leaf for leaf in leaves(seen) if isinstance(leaf, Tensor)]
        if any(not fake(tensor) and tensor.ndim for tensor in tensors):
            raise RuntimeError(
                f"Expected all tensors to be on the same device, cpu and {self.device} ({name})"
            )

    def moved(self, func: Callable[..., Any], name: str, args: Any, kwargs: Any) -> Any:
        """Written into a tensor, which stays where it is; but for its data, which may be others."""
        out = func(*args, **kwargs)
        if name == "__set__" and isinstance(args[1], Tensor):
            args[0].is_fake = fake(args[1])
        return out

    def told(
        self, name: str, args: Any, kwargs: dict[str, Any], *, on: bool
    ) -> tuple[bool, Any, dict[str, Any]]:
        """Whether the result is to be on the device, and the arguments with the CPU in its place."""
        target = on and name not in ("cpu", "numpy")
        if isinstance(kwargs.get("device"), str | torch.device):
            target = torch.device(kwargs["device"]).type != "cpu"
            kwargs["device"] = "cpu"
        if name == "to":
            args = list(args)
            for place, value in enumerate(args[1:], 1):
                if isinstance(value, Tensor):
                    target, args[place] = fake(value), value.dtype
                elif isinstance(value, torch.device | str):
                    target, args[place] = torch.device(value).type != "cpu", "cpu"
        return target, args, kwargs

    def mark(self, tensor: Tensor, name: str, *, target: bool) -> None:
        """Say where a result is."""
        if target and tensor.dtype == torch.float64 and self.device.type == "mps":
            raise TypeError(f"Cannot convert a MPS Tensor to float64 dtype ({name})")
        cast(Any, tensor).is_fake = target


def fake(tensor: Tensor) -> bool:
    """Whether a tensor says that it is on the device."""
    return getattr(tensor, "is_fake", False)


def moved_as_told(module: torch.nn.Module, *told: Any, to: Callable[..., Any] = torch.nn.Module.to) -> Any:
    """``module.to``, which asks a tensor for its device where no mode sees it."""
    like = told[0]
    return to(module, like.device, like.dtype) if isinstance(like, Tensor) else to(module, *told)


@contextmanager
def there(name: str, patch: pytest.MonkeyPatch) -> Iterator[FakeDevice]:
    """Let a device be there, found by ``--device auto``."""
    patch.setattr(torch, "Generator", Generator)
    patch.setattr(torch.nn.Module, "to", moved_as_told)
    if name == "mps":
        patch.setattr(torch.backends.mps, "is_available", lambda: True)
    else:
        patch.setattr(torch.cuda, "device_count", lambda: 1)
        patch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 0))  # without bfloat16
    with FakeDevice(name) as device:
        yield device
