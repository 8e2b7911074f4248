"""z = x_k + β (x_k − x_{k−1}),  x_{k+1} = Π(D_k(z, σ_k)),  σ_k falling: denoisers in turn with the data.

D_k removes what is unlikely at the level σ_k, and Π enforces the measurement: known pixels, a JPEG's cells, or the
low-resolution picture. The momentum β halves the number of rounds (measured: docs/decisions/inpainting.md).

Venkatakrishnan, Bouman, Wohlberg, "Plug-and-play priors for model based reconstruction", 2013,
https://doi.org/10.1109/GlobalSIP.2013.6737048
Polyak, "Some methods of speeding up the convergence of iteration methods", 1964,
https://doi.org/10.1016/0041-5553(64)90137-5
"""

from collections.abc import Callable, Iterable, Iterator

from torch import Tensor


def plug_and_play(
    start: Tensor,
    *,
    data_step: Callable[[Tensor, float], Tensor],
    denoisers: Iterable[Callable[[Tensor, float], Tensor]],
    sigmas: Iterable[float],
    momentum: float = 0.5,
) -> Iterator[Tensor]:
    """Yield the estimate after each σ.

    Args:
        start: x (1, C, H, W).
        data_step: Π, the nearest picture that the measurement allows; of the picture, and σ as its error.
        denoisers: D_k, one a round and possibly more; of a picture and a noise level in units of x.
        sigmas: σ_k, falling noise levels, one a round.
        momentum: β, from 0 to below 1.
    """
    x = last = start
    for sigma, denoise in zip(sigmas, denoisers, strict=False):  # denoisers may be an endless cycle
        ahead = x + momentum * (x - last)
        last, x = x, data_step(denoise(ahead, sigma), sigma)
        yield x
