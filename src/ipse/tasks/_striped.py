"""Stripes and other noise, y = x + s + n: the offsets s are removed first, since they are found without knowing n."""

from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from ipse.engine.objectives import LeastSquares
from ipse.engine.problem import Nothing, Pilot, Problem
from ipse.noise.stripes import Stripes
from ipse.pictures import Picture
from ipse.tasks import _common


def without(stripes: Stripes, y: Tensor, rest: Callable[[Picture, Tensor], Problem | Nothing]) -> Problem:
    """The problem of a picture y (1, C, H, W) with stripes; ``rest`` poses that of the picture without them."""
    z = stripes.without(y).clamp(0, 1)
    posed = rest(Picture.from_array(z[0].cpu().numpy(), channel_axis=0, alpha=False), z)
    estimates: dict[str, object] = {"stripes": round(255 * stripes.sigma, 2), "found": stripes.said}
    if isinstance(posed, Nothing):
        alone = Pilot(lambda: iter([z]))
        return Problem(
            prior=None, objective=LeastSquares(z), recipe=_common.alone(), pilot=alone, estimates=estimates
        )
    named = "noise" if "noise" in posed.estimates else "found"
    both = {named: f"{stripes.said}; {posed.estimates[named]}"}
    return replace(posed, estimates=estimates | posed.estimates | both)
