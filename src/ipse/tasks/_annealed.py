"""f_{θ + η}(z + ε), ε ~ N(0, s_t²), η ~ N(0, (w_t σ_θ)²): noise on latent and weights that falls in stages.

So heavy that the network must draw from its weights alone; the reference's appendix to feature inversion, whose
weight noise changed nothing. Ulyanov, Vedaldi, Lempitsky, "Deep Image Prior", https://arxiv.org/abs/1711.10925.
"""

from typing import Any

from torch import Tensor

from ipse.engine.prior import Prior

STAGES = ((0.5, 10.0, 1 / 50), (0.75, 2.0, 1 / 100), (1.0, 0.5, 0.0))  # up to this share of the steps: s, w


class Annealed(Prior):
    """A prior whose noise depends on how often it was drawn.

    Args:
        plain: network, latent and size.
        steps: draws until the end.
        seed: what the noise hangs on.
    """

    def __init__(self, plain: Prior, *, steps: int, seed: int) -> None:
        super().__init__(plain.network, plain.z, size=plain.size, seed=seed)
        self.steps, self.draws = steps, 0

    def forward(self) -> Tensor:
        """Draw with the noise of this stage."""
        share = self.draws / max(1, self.steps)
        stage = next((stage for stage in STAGES if share < stage[0]), STAGES[-1])
        _, self.jitter, self.weight_noise = stage
        self.draws += 1
        return super().forward()

    def get_extra_state(self) -> dict[str, Any]:
        """Where the generator and the stages stand."""
        return {**super().get_extra_state(), "draws": self.draws}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Go on from ``get_extra_state``."""
        super().set_extra_state(state)
        self.draws = state["draws"]
