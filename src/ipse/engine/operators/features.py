"""Features: y = ⊕_l w_l φ_l(x), the outputs of some layers of a trained model, concatenated into one vector.

    w_l = √(N / n_l) / s_l,     N = Σ_l n_l

n_l numbers at the layer l, so that mean((A x − y)²) = Σ_l mean((φ_l(x) − φ_l(x₀))²) / s_l². With s_l the root mean
square of φ_l(x₀), all layers have the same weight.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ipse.engine.operators.operator import Operator


class Features(Operator):
    """x (1, C, H, W) → y (1, N).

    ``extract`` returns the layers' outputs (1, …) for a picture; ``weights`` are the w_l, one a layer.
    """

    linear = False

    def __init__(self, extract: Callable[[Tensor], Sequence[Tensor]], weights: Sequence[float]) -> None:
        super().__init__()
        self.extract = extract
        self.weights = tuple(weights)

    @classmethod
    def like(
        cls, extract: Callable[[Tensor], Sequence[Tensor]], x: Tensor, *, relative: bool = True
    ) -> "Features":
        """The operator with layers weighted by their size for the picture x; ``relative`` also divides by s_l."""
        with torch.no_grad():
            parts = extract(x)
        total = sum(part.numel() for part in parts)
        scales = [float(part.square().mean().sqrt()) if relative else 1.0 for part in parts]
        return cls(
            extract,
            [(total / part.numel()) ** 0.5 / max(s, 1e-12) for part, s in zip(parts, scales, strict=True)],
        )

    def forward(self, x: Tensor) -> Tensor:
        """The features of x (1, C, H, W)."""
        parts = zip(self.extract(x), self.weights, strict=True)
        return torch.cat([weight * part.flatten(1) for part, weight in parts], dim=1)
