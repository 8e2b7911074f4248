"""Arrays as pictures, in scikit-image's conventions."""

import numpy as np
from numpy.typing import ArrayLike

from ipse.errors import PictureError
from ipse.pictures.levels import Samples, full_scale
from ipse.pictures.picture import Picture

MOSTLY = 0.5  # smallest fraction of alpha's samples that are fully clear or opaque
SMOOTH = (
    1 / 255
)  # alpha is smooth if half of its samples are this close to the mean of their neighbours, relative to full scale


def from_array(
    array: ArrayLike, *, channel_axis: int | None = -1, alpha: bool | None = None, name: str = "the array"
) -> Picture:
    """Make a picture from an array.

    Args:
        array: (H, W), or three axes of which ``channel_axis`` is the channels; integers, floats or booleans.
            A NumPy array is not copied where it need not be: do not write to it afterwards.
        channel_axis: the axis of the channels; None says that the array is gray, (H, W). Arrays of two axes
            are gray in any case.
        alpha: whether the last channel is alpha; by default it is where there are four channels.
        name: what to call it in messages.

    Raises:
        PictureError: for another number of axes, no pixels, other types, NaN or infinity.
    """
    samples = np.asarray(array)
    if samples.ndim == 2:
        return Picture(_native(samples), name=name, channel_axis=None)
    if samples.ndim != 3 or channel_axis is None or not -3 <= channel_axis < 3:
        want = "(H, W)" if channel_axis is None else "(H, W) or three axes with channel_axis one of them"
        raise PictureError(f"{name}: shape {samples.shape}, channel_axis {channel_axis}; expected {want}")
    samples = np.moveaxis(_native(samples), channel_axis, -1)
    count = samples.shape[-1]
    opacity = None
    if count > 1 and (count == 4 if alpha is None else alpha):
        samples, opacity = samples[..., :-1], samples[..., -1]
        count -= 1
    model = {1: "gray", 3: "rgb"}.get(count, "channels")
    return Picture(samples, alpha=opacity, model=model, name=name, channel_axis=channel_axis)


def looks_like_alpha(plane: Samples) -> bool:
    """Whether a plane (H, W) looks like alpha (mostly clear or opaque, or smooth), unlike a near-infrared band."""
    full = full_scale(plane.dtype)
    if float((plane <= 0).mean() + (plane >= full).mean()) >= MOSTLY or min(plane.shape) < 3:
        return True
    values = plane.astype(float)
    bends = np.abs(values[1:-1] * 2 - values[2:] - values[:-2])
    return float(np.median(bends)) <= SMOOTH * full


def to_array(picture: Picture) -> Samples:
    """Return the colours, with alpha as the last channel, and the channels at the picture's ``channel_axis``."""
    colours = picture.colours
    if picture.alpha is not None:
        planes = colours[..., None] if colours.ndim == 2 else colours
        colours = np.concatenate([planes, picture.alpha[..., None].astype(planes.dtype, copy=False)], axis=-1)
    axis = -1 if picture.channel_axis is None else picture.channel_axis
    return np.ascontiguousarray(np.moveaxis(colours, -1, axis) if colours.ndim == 3 else colours)


def _native(samples: Samples) -> Samples:
    """Convert to the machine's byte order."""
    return samples.astype(samples.dtype.newbyteorder("="), copy=False)
