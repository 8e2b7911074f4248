"""x_i = Σ_j w_ij y_j,  w_ij ∝ exp(−max(0, d_ij² − 2σ²)/h²), d_ij the distance of the patches around i and j.

The estimate that is available within half a second, with scikit-image's fast algorithm.
Buades, Coll, Morel, "A non-local algorithm for image denoising", 2005, https://doi.org/10.1109/CVPR.2005.38
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ipse.pilots._steps import millions
from ipse.work import count

STRENGTH = 0.8  # h in σ, for the fast form, as in scikit-image's documentation
COST = 1.9  # seconds per million pixels of three channels
LEAST = 5  # smallest side in pixels


def non_local_means(y: Tensor, sigma: float) -> Tensor:
    """Denoise y (1, C, H, W) with white noise of standard deviation ``sigma``, in units of y.

    Pictures with a side of less than a patch are returned unchanged.
    """
    from skimage.restoration import denoise_nl_means  # pyright: ignore[reportUnknownVariableType]

    if min(y.shape[-2:]) < LEAST or sigma <= 0:
        return y.clone()
    array = y[0].permute(1, 2, 0).cpu().numpy()
    clean: Any = denoise_nl_means(
        array,
        patch_size=LEAST,
        patch_distance=6,
        h=STRENGTH * sigma,
        sigma=sigma,
        fast_mode=True,
        channel_axis=-1,
    )
    count(COST * millions(y))
    clean = np.reshape(clean, array.shape)  # a single channel is dropped on the way
    return torch.as_tensor(clean).to(y).permute(2, 0, 1)[None].contiguous()
