"""x* = f_θ*(z): a picture is restored from itself alone.

    import ipse

    result = ipse.denoise(image)            # array, PIL image, tensor or path; any depth, any size
    result.image                            # the same kind, shape and dtype
    result.reason, result.step, result.score

``denoise``, ``dejpeg``, ``inpaint``, ``upscale`` and ``restore(image, task)`` are the whole of it for most;
``Restoration`` is the stream of a run, to watch or to leave; ``Problem``, ``Prior`` and ``Fit`` are the
equation, to build one's own.

Nothing is imported, PyTorch least of all, before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipse.api import (
        Result,
        compare_priors,
        dejpeg,
        denoise,
        enhance,
        flash,
        inpaint,
        invert,
        maximise,
        restore,
        upscale,
    )
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
    from ipse.fit import Fit
    from ipse.objectives import Objective
    from ipse.operators import Operator
    from ipse.pictures import Picture
    from ipse.prior import GuidedPrior, Prior
    from ipse.problem import Nothing, Problem, Recipe
    from ipse.receipt import Receipt
    from ipse.restoration import Estimate, Restoration
    from ipse.seeds import Seeds
    from ipse.settings import Settings
    from ipse.stopping import Rule, State

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
    "dejpeg",
    "denoise",
    "enhance",
    "flash",
    "inpaint",
    "invert",
    "maximise",
    "restore",
    "upscale",
]

_HOMES = {
    "api": (
        "Result",
        "compare_priors",
        "dejpeg",
        "denoise",
        "enhance",
        "flash",
        "inpaint",
        "invert",
        "maximise",
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
    "fit": ("Fit",),
    "objectives": ("Objective",),
    "operators": ("Operator",),
    "pictures": ("Picture",),
    "prior": ("GuidedPrior", "Prior"),
    "problem": ("Nothing", "Problem", "Recipe"),
    "receipt": ("Receipt",),
    "restoration": ("Estimate", "Restoration"),
    "seeds": ("Seeds",),
    "settings": ("Settings",),
    "stopping": ("Rule", "State"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a name when it is first asked for (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ipse")
    if name not in _HOME:
        raise AttributeError(f"module 'ipse' has no attribute {name!r}")
    found = getattr(import_module(f"ipse.{_HOME[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """All public names, imported or not."""
    return sorted([*__all__, "__version__"])
