"""Untrained networks f_θ: one builder per file, found by the module's name.

build("skip", 32, 3, down=(128,) * 5)  ==  ipse.engine.networks.skip.skip(32, 3, down=(128,) * 5)
"""

from collections.abc import Callable
from importlib import import_module
from inspect import signature
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from ipse.errors import OptionError, nearest

if TYPE_CHECKING:
    from ipse.engine.networks.blocks import Network

__all__ = ["build", "builder", "names"]


def names() -> list[str]:
    """The names of all networks, sorted."""
    return sorted(m.name for m in iter_modules(__path__) if m.name != "blocks")


def builder(name: str) -> "Callable[..., Network]":
    """The typed function that builds the network ``name``; raises OptionError with the nearest names."""
    known = names()
    if name not in known:
        raise OptionError(f"network {name!r} is unknown: {nearest(name, known)}")
    return getattr(import_module(f"{__name__}.{name}"), name)


def build(name: str, in_channels: int, out_channels: int, **options: Any) -> "Network":
    """Build the network ``name`` from a latent of ``in_channels`` to a picture of ``out_channels``.

    The options are those of the builder; an unknown one raises OptionError, which lists them.
    """
    make = builder(name)
    allowed = list(signature(make).parameters)[2:]
    for option in options:
        if option not in allowed:
            raise OptionError(
                f"network {name!r} has no option {option!r}; expected one of {', '.join(allowed)}"
            )
    return make(in_channels, out_channels, **options)
