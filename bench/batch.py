"""K seeds at once: θ₁ … θ_K stacked, f over all of them by ``vmap``, so that each keeps its own normalisation.

What a GPU leaves idle at one picture is what a second one gets for less than its price.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from bench.steps import Step, Variant, problem
from ipse.problem import Problem
from ipse.settings import Settings


class Seeds(Step):
    """A plain step of K fits of one picture, of K seeds; latent and objective are the first one's."""

    def __init__(self, problems: list[Problem], variant: Variant) -> None:
        super().__init__(problems[0], variant)
        networks = [one.prior.network for one in problems if one.prior is not None]
        weights, self.buffers = stack_module_state(networks)
        self.weights = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        rate = problems[0].recipe.learning_rate
        self.optimiser = torch.optim.Adam(
            self.weights.values(), lr=rate, fused=True, capturable=variant.graph
        )

    def loss(self) -> Tensor:
        """Σ_k E(f_θk(z)); no term depends on two seeds, so that each is fitted as if it were alone."""
        prior, pilot = self.prior, getattr(self.prior, "pilot", 0.0)
        height, width = prior.size

        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
            with self.precision():
                x = functional_call(prior.network, (weights, buffers), (prior.z,))
            return self.objective(pilot + x[..., :height, :width].float())

        every: Callable[..., Tensor] = vmap(one)
        return every(self.weights, self.buffers).sum()


def seeds(task: str, count: int, settings: Settings, variant: Variant, *, side: int) -> Seeds:
    """The step of ``count`` seeds of a task's default fit."""
    told = [Settings(preset=settings.preset, device=settings.device, seed=seed) for seed in range(count)]
    return Seeds([problem(task, one, side=side) for one in told], variant)
