"""Masked array ↔ picture: masked samples must not affect the range, the noise estimate or the result.

On input, each masked sample takes the value of the nearest unmasked one; on output it has its original value.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipse.errors import PictureError
from ipse.pictures.levels import Samples

Masked = np.ma.MaskedArray[Any, Any]


def filled(array: Masked, *, axis: int) -> Samples:
    """The samples (H, W), or with channels along ``axis``; masked ones are replaced by their nearest neighbours.

    Raises:
        PictureError: all samples are masked.
    """
    samples, hidden = np.array(array.data), np.ma.getmaskarray(array)
    if hidden.all():
        raise PictureError("the image: all samples are masked; expected some that are not")
    samples[hidden] = np.ma.median(array).astype(samples.dtype)  # for planes that are completely masked
    planes, masks = (_planes(one, axis) for one in (samples, hidden))
    for plane, mask in zip(planes, masks, strict=True):
        if mask.any() and not mask.all():
            plane[mask] = plane[_nearest(mask)][mask]
    return samples


def masked_again(made: Samples, array: Masked, *, axis: int) -> Samples:
    """A result as a masked array. In an enlarged one, each pixel has the mask of the pixel that it came from."""
    hidden, data = np.ma.getmaskarray(array), np.asarray(array.data)
    sides = [side for side in range(array.ndim) if array.ndim == 2 or side != axis % array.ndim]
    factors = {made.shape[side] / array.shape[side] for side in sides}
    if made.ndim != array.ndim or len(factors) != 1:  # several pictures side by side
        return made
    for side in sides:
        at = (np.arange(made.shape[side]) * array.shape[side]) // made.shape[side]
        hidden, data = hidden.take(at, side), data.take(at, side)
    return np.ma.MaskedArray(np.where(hidden, data, made), hidden, fill_value=array.fill_value)


def _planes(array: NDArray[Any], axis: int) -> NDArray[Any]:
    """A view with the channel axis first."""
    return array[None] if array.ndim == 2 else np.moveaxis(array, axis, 0)


def _nearest(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], ...]:
    """The index of the nearest unmasked sample, for each sample."""
    from scipy.ndimage import (  # pyright: ignore[reportMissingTypeStubs]
        distance_transform_edt,  # pyright: ignore[reportUnknownVariableType]
    )

    found: Any = distance_transform_edt(mask, return_distances=False, return_indices=True)
    return tuple(found)
