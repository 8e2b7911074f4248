"""f_{θ + η}(z + ε), ε ~ N(0, s_t²), η ~ N(0, (w_t σ_θ)²): annealed noise on latent and weights.

The noise is so strong that the network has to rely on its weights alone. The schedule is from the appendix of the
reference, on feature inversion; in the reference's code the weight noise had no effect.
Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", https://arxiv.org/abs/1711.10925.
"""

from typing import Any

from torch import Tensor

from ipse.engine.prior import Prior

# Each stage: the fraction of the steps at which it ends, s, and w.
STAGES = ((0.5, 10.0, 1 / 50), (0.75, 2.0, 1 / 100), (1.0, 0.5, 0.0))


class Annealed(Prior):
    """A prior whose noise level depends on the number of forward passes so far.

    Args:
        plain: the prior that provides network, latent and size.
        steps: total number of forward passes.
        seed: random seed of the noise.
    """

    def __init__(self, plain: Prior, *, steps: int, seed: int) -> None:
        super().__init__(plain.network, plain.z, size=plain.size, seed=seed)
        self.steps, self.draws = steps, 0

    def forward(self) -> Tensor:
        """The network's output with the current stage's noise."""
        share = self.draws / max(1, self.steps)
        stage = next((stage for stage in STAGES if share < stage[0]), STAGES[-1])
        _, self.jitter, self.weight_noise = stage
        self.draws += 1
        return super().forward()

    def get_extra_state(self) -> dict[str, Any]:
        """The state of the random generator and of the schedule."""
        return {**super().get_extra_state(), "draws": self.draws}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the state from ``get_extra_state``."""
        super().set_extra_state(state)
        self.draws = state["draws"]
