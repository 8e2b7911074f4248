"""E(x) = −mean over a window of φ_k(x): the negative activation of a unit, a channel or a class of a trained model.

D. Erhan, Y. Bengio, A. Courville, P. Vincent, "Visualizing Higher-Layer Features of a Deep Network", 2009,
https://www.researchgate.net/publication/265022827
"""

from collections.abc import Callable

from torch import Tensor

from ipse.engine.objectives.objective import Objective


class Activation(Objective):
    """Maximises the activation of a channel.

    Args:
        features: φ, a picture (1, C, H, W) → (1, K) or (1, K, h, w).
        channel: k.
        window: side of the central window of the map to average over; 1 is the central unit, None the whole map.
    """

    def __init__(
        self, features: Callable[[Tensor], Tensor], *, channel: int, window: int | None = None
    ) -> None:
        super().__init__()
        self.features = features
        self.channel, self.window = channel, window

    def forward(self, x: Tensor) -> Tensor:
        """−mean φ_k(x)."""
        unit = self.features(x)[:, self.channel]
        if self.window is not None and unit.ndim > 1:
            for axis in (-2, -1):
                length = min(self.window, unit.shape[axis])
                unit = unit.narrow(axis, (unit.shape[axis] - length) // 2, length)
        return -unit.mean()
