"""θ₀ = θ*_k: a fit that starts where that of a picture much like this one ended, and takes half of its steps.

Measured on stacks of shifted frames: docs/decisions/warm-starts.md.
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ipse.engine.problem import Nothing, Problem
from ipse.streams.restoration import Restoration

SHARE = 0.5  # of the steps that a cold start takes
Weights = Mapping[str, Tensor]


class Warm(Restoration):
    """A restoration whose network starts from another's weights, where it fits one and they are of its shape.

    It is of one seed. Steps that the settings name are those of a cold start.
    """

    start: Weights | None = None  #: the weights; None is a cold start

    def posed(self) -> Problem | Nothing:
        """The problem, its network's weights set and its steps fewer."""
        problem = super().posed()
        if self.start is None or isinstance(problem, Nothing) or problem.prior is None:
            return problem
        network = problem.prior.network
        own = network.state_dict()
        if {name: value.shape for name, value in own.items()} != {k: v.shape for k, v in self.start.items()}:
            return problem
        network.load_state_dict(dict(self.start))
        return replace(problem, recipe=replace(problem.recipe, steps=round(SHARE * problem.recipe.steps)))

    def weights(self) -> Weights | None:
        """The network's weights after the last step; None where nothing was fitted."""
        if self.search is None:
            return self.start
        network = self.search.fit.prior.network
        return {name: value.detach().clone() for name, value in network.state_dict().items()}
