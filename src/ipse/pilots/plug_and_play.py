"""x ← Π(D_σ(x)), σ falling: a denoiser in turn with the data.

D takes out what is unlikely at the level σ, Π puts back what was measured: known pixels, a JPEG's cells.

Venkatakrishnan, Bouman, Wohlberg, "Plug-and-play priors for model based reconstruction", 2013,
https://doi.org/10.1109/GlobalSIP.2013.6737048
"""

from collections.abc import Callable, Iterator, Sequence

from torch import Tensor


def plug_and_play(
    start: Tensor,
    *,
    data_step: Callable[[Tensor], Tensor],
    denoise: Callable[[Tensor, float], Tensor],
    sigmas: Sequence[float],
) -> Iterator[Tensor]:
    """Yield the estimate after each σ.

    Args:
        start: x (1, C, H, W).
        data_step: Π, the nearest picture that the measurement allows.
        denoise: D, of a picture and a noise level in units of x.
        sigmas: falling noise levels.
    """
    x = start
    for sigma in sigmas:
        x = data_step(denoise(x, sigma))
        yield x
