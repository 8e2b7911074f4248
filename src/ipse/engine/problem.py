"""argmin_θ E(A f_θ(z); y) + R(f_θ(z)), as data: what is fitted, to what, how, and until when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from ipse.engine.objectives import Objective
from ipse.engine.prior import Prior
from ipse.engine.stopping import Last, Rule


@dataclass(frozen=True)
class Recipe:
    """How a problem is fitted."""

    steps: int = 1000
    learning_rate: float = 0.01
    optimiser: Literal["adam", "lbfgs"] = "adam"  #: L-BFGS wants a prior without jitter
    precision: Literal["float32", "bfloat16"] = "float32"
    #: of the network's features; weights and losses stay float32
    schedule: Literal["constant", "cosine"] = "constant"  #: cosine falls to a twentieth over ``steps``
    average: float = 0.99  #: of the outputs; 0 keeps the last one alone
    fall_back: float | None = None
    #: return to the last good weights when the fit's PSNR drops by this many dB


def clipped(x: Tensor) -> Tensor:
    """The picture as it can be stored: within [0, 1]."""
    return x.clamp(0, 1)


@dataclass(frozen=True)
class Problem:
    """A restoration, ready to be fitted.

    A prior that is a ``GuidedPrior`` is set to the last estimate of ``pilot`` before the first step.
    """

    prior: Prior | None  #: what is fitted; None where the recipe has no steps, and the pilot is the result
    objective: Objective
    recipe: Recipe = field(default_factory=Recipe)
    rule: Rule = field(default_factory=Last)
    learnt: nn.Module | None = None  #: what is fitted besides the prior: an operator with parameters
    score: Objective | None = None  #: of a picture, on measurements that ``objective`` does not see
    floor: float = 1.0  #: the pilot is the result where the fit's error is larger than so many times its own
    pilot: Callable[[], Iterator[Tensor]] | None = None
    #: classical estimates, none worse than the one before
    learns: bool = False  #: the pilot learns from its result, which comes back until that is done
    refine: Callable[[Tensor], Iterator[Tensor]] | None = None
    #: fitted picture → better and better ones, when the fit is done
    perturbed: Callable[[int], Iterator[Tensor]] | None = None
    #: by a seed: the pilot of a little less data, where nothing else hangs on the seed
    outputs: Callable[[Tensor], Tensor] = clipped  #: fitted picture → restored picture
    keep: NDArray[np.bool_] | None = None  #: (H, W), where the stored samples must come back to the bit
    estimates: dict[str, object] = field(default_factory=dict[str, object])
    #: what was found in y, for the receipt


@dataclass(frozen=True)
class Nothing:
    """There is nothing to restore; ``said`` tells the user why."""

    said: str
    estimates: dict[str, object] = field(default_factory=dict[str, object])
    keep: NDArray[np.bool_] | None = field(default=None, compare=False)  #: as of a ``Problem``


def footprint(problem: Problem) -> tuple[int, int]:
    """What one forward pass keeps for the backward pass, weights excepted, and what its picture takes.

    Weights, running moments, the jitter to come and the stage that it is in stay as they are.
    """
    prior = problem.prior
    if prior is None:
        return 0, 0
    weights = {weight.untyped_storage().data_ptr() for weight in prior.parameters()}
    seen: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    drawn, buffers = prior.get_extra_state(), {name: own.clone() for name, own in prior.named_buffers()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        x: Tensor = functional_call(prior, buffers, ())
        loss = problem.objective(x)
    prior.set_extra_state(drawn)
    del loss  # alive until here, so that no address was given out twice
    return sum(seen.values()), x.numel() * x.element_size()
