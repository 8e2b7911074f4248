"""ipse restores a picture from itself alone.

    import ipse

    result = ipse.denoise(image)            # array, PIL image, tensor or path; any depth, any size
    result.image                            # the same kind, shape and dtype
    result.reason, result.step, result.score

Most users only need ``denoise``, ``dejpeg``, ``inpaint``, ``upscale`` and ``restore(image, task)``. Iterate over a
``Restoration`` to watch a run or to stop it early. Use ``Problem``, ``Prior`` and ``Fit`` to solve your own inverse
problem, x* = f_θ*(z).

Modules, including PyTorch, are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipse.api import (
        compare_priors,
        deblur,
        dejpeg,
        denoise,
        enhance,
        flash,
        inpaint,
        invert,
        maximise,
        reconstruct,
        restore,
        upscale,
    )
    from ipse.engine.fit import Fit
    from ipse.engine.objectives import Objective
    from ipse.engine.operators import Operator
    from ipse.engine.prior import GuidedPrior, Prior
    from ipse.engine.problem import Nothing, Problem, Recipe
    from ipse.engine.stopping import Rule, State
    from ipse.errors import (
        DeviceError,
        InputError,
        IpseError,
        MaskError,
        NotEnoughMemory,
        OptionError,
        OutputError,
        PictureError,
        RunError,
    )
    from ipse.pictures import Picture
    from ipse.result import Result
    from ipse.runs.receipt import Receipt
    from ipse.settings import Settings
    from ipse.streams.restoration import Restoration
    from ipse.streams.seeds import Seeds
    from ipse.streams.stream import Estimate

__all__ = [
    "DeviceError",
    "Estimate",
    "Fit",
    "GuidedPrior",
    "InputError",
    "IpseError",
    "MaskError",
    "NotEnoughMemory",
    "Nothing",
    "Objective",
    "Operator",
    "OptionError",
    "OutputError",
    "Picture",
    "PictureError",
    "Prior",
    "Problem",
    "Receipt",
    "Recipe",
    "Restoration",
    "Result",
    "Rule",
    "RunError",
    "Seeds",
    "Settings",
    "State",
    "compare_priors",
    "deblur",
    "dejpeg",
    "denoise",
    "enhance",
    "flash",
    "inpaint",
    "invert",
    "maximise",
    "reconstruct",
    "restore",
    "upscale",
]

_HOMES = {
    "api": (
        "compare_priors",
        "deblur",
        "dejpeg",
        "denoise",
        "enhance",
        "flash",
        "inpaint",
        "invert",
        "maximise",
        "reconstruct",
        "restore",
        "upscale",
    ),
    "errors": (
        "DeviceError",
        "InputError",
        "IpseError",
        "MaskError",
        "NotEnoughMemory",
        "OptionError",
        "OutputError",
        "PictureError",
        "RunError",
    ),
    "engine.fit": ("Fit",),
    "engine.objectives": ("Objective",),
    "engine.operators": ("Operator",),
    "pictures": ("Picture",),
    "engine.prior": ("GuidedPrior", "Prior"),
    "engine.problem": ("Nothing", "Problem", "Recipe"),
    "result": ("Result",),
    "runs.receipt": ("Receipt",),
    "streams.restoration": ("Estimate", "Restoration"),
    "streams.seeds": ("Seeds",),
    "settings": ("Settings",),
    "engine.stopping": ("Rule", "State"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import names on first use (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ipse")
    if name not in _HOME:
        raise AttributeError(f"module 'ipse' has no attribute {name!r}")
    found = getattr(import_module(f"ipse.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """All public names, whether imported yet or not."""
    return sorted([*__all__, "__version__"])
