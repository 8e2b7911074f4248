"""y = A x + n with an A of the user's own as a ``Scan``, whose first estimate is Tikhonov's:

    x_λ(y) = argmin_x ‖A x − y‖² + λ ‖∇x‖²,   λ = σ² / mean |∇x|²,   σ = median |A x_ε(y) − y| / median |A x_ε(g) − g|

with a small ε and g ~ N(0, 1): what A x_ε cannot follow are the highest frequencies that A passes, and what no x has.
Nothing else is known of A, so single samples are held out, and the picture may be negative.

Tikhonov, "Solution of incorrectly formulated problems and the regularization method", 1963.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ipse.engine.operators.coils import joined
from ipse.engine.operators.foreign import Foreign, called, lead, transposed
from ipse.errors import OptionError, cause
from ipse.pictures.measurement import Measurement
from ipse.tasks._imported import imported
from ipse.tasks._scan import FAINTEST, ROOM, Numbers, Scan
from ipse.tasks._splitting import Measured, rough, solved

HIGH = 0.03  # ε, in units of the mean of the diagonal of AᵀA
ITERATIONS, ROUNDS = 40, 2  # conjugate gradients of an estimate, and estimates after the first
ENDS = 0.001  # quantiles of the first estimate that become 0 and 1, but for ROOM

TRIALS = (0.3, 0), (0.1, 0), (1, 0), (0.3, 1)  # κ, and λ
NUMBERS = {
    "fast": Numbers(("fast four", "fast five") * 6, TRIALS[:1], (30 / 255, 2 / 255)),
    "good": Numbers(("four", "five") * 6 + ("fine",) * 8, TRIALS),
    "best": Numbers(("four", "five") * 6 + ("fine",) * 8, TRIALS, steps=1000),
}


def operator_of(told: Any, shape: Any, picture: Measurement, y: Tensor) -> Foreign:
    """The operator that was told, by name or as it is, after a check.

    Raises:
        OptionError: it cannot be used.
    """
    name = f"operator {told}" if isinstance(told, str) else "the operator"
    own = made(imported(told) if isinstance(told, str) else told, name)
    if isinstance(own, torch.nn.Module):
        own.to(y.device)
    if shape is not None:
        size = shape_of(shape)
    elif transposed(own):
        given = (joined(y) if picture.complex else y).reshape(lead(picture.shape))
        size = tuple(called(own.A_adjoint, given, name).shape)
    else:
        size = picture.shape
    operator = Foreign(own, (1, *size)[-3:], picture.shape, paired=picture.complex, name=name)
    operator.check(y)
    return operator


def made(own: Any, name: str) -> Any:
    """The operator; a class or a function without parameters is called, to make it.

    Raises:
        OptionError: it is none.
    """
    if inspect.isclass(own) or (inspect.isroutine(own) and not _takes_one(own)):
        try:
            own = own()
        except Exception as error:  # foreign code may raise anything
            raise OptionError(
                f"{name} cannot be made ({cause(error)}): "
                "give a function of a picture, or one without parameters that returns the operator"
            ) from error
    if not callable(own) and not transposed(own):
        raise OptionError(
            f"{name} is {type(own).__name__}; expected a callable, or an object with A and A_adjoint"
        )
    return own


def _takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function takes a picture; one without a signature is taken to."""
    try:
        return bool(inspect.signature(function).parameters)
    except ValueError:
        return True


def shape_of(told: Any) -> tuple[int, ...]:
    """A picture's shape, from H,W or C,H,W.

    Raises:
        OptionError: it is none.
    """
    try:
        found = tuple(int(part) for part in (told.split(",") if isinstance(told, str) else told))
    except (TypeError, ValueError):
        found = ()
    if len(found) not in (2, 3) or min(found) < 1:
        raise OptionError(f"shape {told} is none: give HEIGHT,WIDTH or CHANNELS,HEIGHT,WIDTH in pixels")
    return found


def scan_of(y: Tensor, weight: Tensor, operator: Foreign, sigma: float | None) -> Scan:
    """The scan of a measurement y (1, c, h, w), of which what is known has the weight 1, else 0."""
    shape = operator.channels
    y, weight = (one.flatten(1, 2)[:, None] for one in (y, weight))
    with torch.no_grad():
        start, noise = first(Measured(y, operator, weight, (shape[-2], shape[-1])), y.new_zeros(shape))
        sigma = noise if sigma is None else sigma
        low, unit = (0.0, _largest(start)) if operator.paired else _range(start)
        near = (start - low) / unit
        y = (y - operator(torch.full_like(start, low))) / unit
    sigma = max(sigma / unit, FAINTEST * float((weight * y).square().mean().sqrt()), 1e-12)
    groups = torch.arange(y.numel()).reshape(y.shape).to(y.device)
    return Scan(
        y, operator, near, sigma, weight, whitened=lambda y: y, within=lambda x: x,
        groups=torch.where(weight > 0, groups, -1), unit=unit, finished=lambda x: low + unit * x, signed=True,
    )  # fmt: skip


def first(measured: Measured, zero: Tensor) -> tuple[Tensor, float]:
    """An estimate with the shape of ``zero``, and σ."""
    y, seen, operator = measured.y, measured.seen, measured.operator
    draw = torch.Generator().manual_seed(0)
    g, probe = (torch.randn(one.shape, generator=draw).to(one) for one in (y, zero))
    smooth = HIGH * float((seen * operator(probe).square()).sum()) / zero.numel() or 1.0

    def misfit(x: Tensor, of: Tensor) -> Tensor:
        return (operator(x) - of)[seen > 0].abs().median()

    def smoothest(of: Tensor, smooth: float) -> Tensor:
        return solved(replace(measured, y=of), zero, lambda d: smooth * rough(d), iterations=ITERATIONS)

    x = smoothest(y, smooth)
    sigma = float(misfit(x, y) / misfit(smoothest(g, smooth), g).clamp_min(1e-12))
    for _ in range(ROUNDS):
        steep = float((x * rough(x)).sum()) / zero.numel()
        x = smoothest(y, sigma**2 / max(steep, 1e-12 * float(x.square().mean()), 1e-30))
    return x, sigma


def _range(x: Tensor) -> tuple[float, float]:
    """The lower end of a picture's values, and a unit in which the upper one is about 1."""
    values = x.flatten()[:: 1 + x.numel() // 2**20]
    low, high = (float(torch.quantile(values, end)) for end in (ENDS, 1 - ENDS))
    low, high = low - (ROOM - 1) / 2 * (high - low), high + (ROOM - 1) / 2 * (high - low)
    return (low, high - low) if high > low else (low, 1.0)


def _largest(x: Tensor) -> float:
    """A unit in which the largest part of a complex number is about 1."""
    return ROOM * float(torch.quantile(x.abs().flatten()[:: 1 + x.numel() // 2**20], 1 - ENDS)) or 1.0
