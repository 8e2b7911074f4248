"""Classical peers, with the settings that their makers recommend for a known σ.

Non-local means: Buades, Coll, Morel, 2005, https://doi.org/10.1109/CVPR.2005.38.
BayesShrink: Chang, Yu, Vetterli, 2000, https://doi.org/10.1109/83.862633.
TV: Chambolle, 2004, https://doi.org/10.1023/B:JMIV.0000011325.36760.1e.
BM3D: Dabov, Foi, Katkovnik, Egiazarian, 2007, https://doi.org/10.1109/TIP.2007.901238.
Biharmonic: Damelin and Hoang, 2018, https://doi.org/10.1155/2018/3950312.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from bench.cases import Array, Case
from bench.peers.anscombe import stabilised

Denoiser = Callable[[Array, float], Array]


def damaged(case: Case, _seed: int) -> Array:
    """What was given, as it came."""
    return case.damaged


def bicubic(case: Case, _seed: int) -> Array:
    """Pillow's bicubic enlargement, of 8-bit samples."""
    size = case.clean.shape[2], case.clean.shape[1]
    planes = [Image.fromarray(np.round(plane * 255).astype(np.uint8)) for plane in case.damaged]
    large = [np.asarray(plane.resize(size, Image.Resampling.BICUBIC)) for plane in planes]
    return np.stack(large) / 255


def nlm(case: Case, _seed: int) -> Array:
    """scikit-image's fast non-local means."""
    from skimage.restoration import denoise_nl_means

    def denoised(y: Array, sigma: float) -> Array:
        found = denoise_nl_means(
            np.moveaxis(y, 0, -1), patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma,
            fast_mode=True, channel_axis=-1,
        )  # fmt: skip
        return np.moveaxis(found.reshape(*y.shape[1:], -1), -1, 0)

    return treated(case, denoised)


def wavelet(case: Case, _seed: int) -> Array:
    """scikit-image's BayesShrink, in YCbCr where there is colour."""
    from skimage.restoration import denoise_wavelet

    def denoised(y: Array, sigma: float) -> Array:
        options: dict[str, Any] = {"convert2ycbcr": True, "channel_axis": -1} if len(y) == 3 else {}
        flat = np.moveaxis(y, 0, -1).squeeze()
        found = denoise_wavelet(flat, sigma=sigma, method="BayesShrink", rescale_sigma=True, **options)
        return np.moveaxis(np.atleast_3d(found), -1, 0)

    return treated(case, denoised)


def tv(case: Case, _seed: int) -> Array:
    """scikit-image's Chambolle; its weight is σ, about its default at σ = 25/255."""
    from skimage.restoration import denoise_tv_chambolle

    def denoised(y: Array, sigma: float) -> Array:
        return np.asarray(denoise_tv_chambolle(y, weight=sigma, channel_axis=0))

    return treated(case, denoised)


def bm3d(case: Case, _seed: int) -> Array:
    """BM3D, and CBM3D of colour, in the authors' own package."""
    import bm3d as package  # pyright: ignore[reportMissingImports]  # where it is installed

    def denoised(y: Array, sigma: float) -> Array:
        if len(y) == 3:
            return np.moveaxis(package.bm3d_rgb(np.moveaxis(y, 0, -1), sigma), -1, 0)
        return np.asarray(package.bm3d(y[0], sigma))[None]

    return treated(case, denoised)


def biharmonic(case: Case, _seed: int) -> Array:
    """scikit-image's biharmonic inpainting."""
    from skimage.restoration import inpaint_biharmonic

    return inpaint_biharmonic(case.damaged, ~case.options["mask"], channel_axis=0)


def treated(case: Case, denoised: Denoiser) -> Array:
    """The picture denoised at the level that was told; photon noise between Anscombe's root and its inverse.

    Where nothing is known of the noise, its level is scikit-image's estimate, averaged over the channels.
    """
    if case.peak is not None:
        return stabilised(case.damaged, case.peak, denoised)
    sigma = case.sigma
    if sigma is None:
        from skimage.restoration import estimate_sigma

        sigma = float(np.mean(estimate_sigma(case.damaged, channel_axis=0)))
    return denoised(case.damaged, max(sigma, 1e-4))
