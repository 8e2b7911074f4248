"""z = x_k + β (x_k − x_{k−1}),  x_{k+1} = Π(D_σ(z)),  σ falling: a denoiser in turn with the data.

D takes out what is unlikely at the level σ, Π puts back what was measured: known pixels, a JPEG's cells, a smaller
picture. The momentum β halves the rounds (measured: docs/decisions/inpainting.md).

Venkatakrishnan, Bouman, Wohlberg, "Plug-and-play priors for model based reconstruction", 2013,
https://doi.org/10.1109/GlobalSIP.2013.6737048
Polyak, "Some methods of speeding up the convergence of iteration methods", 1964,
https://doi.org/10.1016/0041-5553(64)90137-5
"""

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor


def plug_and_play(
    start: Tensor,
    *,
    data_step: Callable[[Tensor, float], Tensor],
    denoise: Callable[[Tensor, float], Tensor],
    sigmas: Sequence[float],
    momentum: float = 0.5,
) -> Iterator[Tensor]:
    """Yield the estimate after each σ.

    Args:
        start: x (1, C, H, W).
        data_step: Π, the nearest picture that the measurement allows; of the picture, and σ as its error.
        denoise: D, of a picture and a noise level in units of x.
        sigmas: falling noise levels.
        momentum: β, from 0 to below 1.
    """
    x = last = start
    for sigma in sigmas:
        ahead = x + momentum * (x - last)
        last, x = x, data_step(denoise(ahead, sigma), sigma)
        yield x
