"""argmin_θ E(A f_θ(z); y) + R(f_θ(z)) as data: prior, objective, recipe and stopping rule; pilot and refinement."""

from collections.abc import Callable, Generator, Iterator
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
    """The optimisation settings of a fit."""

    steps: int = 1000
    learning_rate: float = 0.01
    optimiser: Literal["adam", "lbfgs"] = "adam"  #: L-BFGS needs a prior without jitter
    precision: Literal["float32", "bfloat16"] = "float32"
    #: precision of the network's features; weights and losses are always float32
    schedule: Literal["constant", "cosine"] = "constant"  #: cosine falls to a twentieth over ``steps``
    average: float = 0.99  #: factor of the moving average of outputs; 0 uses only the last output
    fall_back: float | None = None
    #: restore the last good weights if the PSNR of the fit drops by this many dB


def clipped(x: Tensor) -> Tensor:
    """Clip the picture to [0, 1]."""
    return x.clamp(0, 1)


Estimates = Iterator[Tensor] | Generator[Tensor, None, "Nothing | None"]


@dataclass(frozen=True)
class Pilot:
    """First estimates, by a classical method; call it to start them.

    They are shown at once. The last one is corrected by a ``GuidedPrior``, and is the result if nothing is fitted.
    """

    estimates: Callable[[], Estimates]
    #: yields estimates, each at least as good as the one before; may return that there is nothing to restore
    perturbed: Callable[[int], Estimates] | None = None
    #: the same for slightly perturbed data, given a seed; for averaging when nothing else depends on the seed
    learns: bool = (
        False  #: whether they end with a learnt correction, before which the last estimate is repeated
    )
    work: float = 0.0  #: how much there is to do, as counted by ``ipse.work``; 0 if nobody knows
    fits: bool = False  #: whether they fit a network themselves, to an estimate
    floor: float = (
        1.0  #: the last estimate is the result if the fit's score exceeds this multiple of its score
    )

    def __call__(self) -> Estimates:
        """Yield the estimates."""
        return self.estimates()


@dataclass(frozen=True)
class Problem:
    """A restoration problem, ready to be solved: argmin_θ E(A f_θ(z); y) + R, what precedes it and what follows."""

    prior: Prior | None  #: f_θ(z); None if nothing is fitted and the last estimate of ``pilot`` is the result
    objective: Objective  #: E + R
    recipe: Recipe = field(default_factory=Recipe)  #: argmin
    rule: Rule = field(default_factory=Last)  #: when to stop, and which step to keep
    learnt: nn.Module | None = None  #: a module to fit besides the prior, such as an A with parameters
    score: Objective | None = (
        None  #: of a picture, on held-out measurements, which ``objective`` does not use
    )

    pilot: Pilot | None = None  #: before the fit
    refine: Callable[[Tensor], Iterator[Tensor]] | None = (
        None  #: after it: yields refinements of the fitted picture
    )
    outputs: Callable[[Tensor], Tensor] = clipped  #: at last: maps the fitted picture to the restored one
    keep: NDArray[np.bool_] | None = None  #: (H, W), pixels whose stored samples must stay bit-exact

    estimates: dict[str, object] = field(default_factory=dict[str, object])  #: from y, for the receipt
    beside: dict[str, NDArray[np.float32]] = field(default_factory=dict[str, NDArray[np.float32]])
    #: (K, L), pictures estimated from y, such as a blur kernel: written beside the result; a pilot may fill in both


@dataclass(frozen=True)
class Nothing:
    """There is nothing to restore; ``said`` gives the user the reason."""

    said: str
    estimates: dict[str, object] = field(default_factory=dict[str, object])
    keep: NDArray[np.bool_] | None = field(default=None, compare=False)  #: as of a ``Problem``


def footprint(problem: Problem) -> tuple[int, int]:
    """The bytes that a forward pass keeps for the backward pass, without weights, and the bytes of its output.

    The prior's weights, buffers and random state are left unchanged.
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
    del loss  # kept alive until here, so that no address is counted twice
    return sum(seen.values()), x.numel() * x.element_size()
