"""image ↔ Picture: convert arrays, PIL images, tensors and paths to pictures, and results back to the same kind.

picture, back = taken(image)        back(picture) is of the kind, shape and dtype of image
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from torch import Tensor, as_tensor

from ipse.errors import PictureError
from ipse.pictures import Picture, from_array, from_pil, read, to_array, to_pil
from ipse.pictures.levels import Samples, full_scale
from ipse.pictures.masked import filled, masked_again
from ipse.pictures.measurement import measurement, read_measurement

Back = Callable[[Picture], Any]
ImageLike = ArrayLike | Image.Image | Tensor | str | Path | Picture

FEW, MANY = 4, 16  # a first axis of at most FEW and a last axis of at least MANY suggest channels first
MOSTLY = 0.5  # smallest fraction of alpha's samples that are fully clear or opaque
# Alpha is smooth if half of its samples are this close to the mean of their neighbours, relative to full scale.
SMOOTH = 1 / 255


def taken(
    image: ImageLike, *, channel_axis: int | None = None, alpha: bool | None = None
) -> tuple[Picture, Back]:
    """Convert an image to a picture; also return a function that converts a picture back to the same kind of image.

    Args:
        image: see ``ipse.api``.
        channel_axis: the channel axis of an array with three axes; None means the last.
        alpha: whether the last channel of an array or a tensor is alpha; None checks the last of four.

    Raises:
        PictureError: the image is not usable, or it is unclear whether the channels are the first axis or the last.
    """
    if isinstance(image, Picture):
        return image, lambda picture: picture
    if isinstance(image, str | Path):
        return read(image), lambda picture: picture
    if isinstance(image, Image.Image):
        return from_pil(image), to_pil
    if isinstance(image, Tensor):
        return _of_tensor(image, alpha)
    array = np.asarray(image)
    if array.ndim == 3 and channel_axis is None:
        _refuse_doubt(array.shape)
    axis = -1 if channel_axis is None else channel_axis
    if not isinstance(image, np.ma.MaskedArray):
        return _of_array(array, axis, alpha, "the image"), to_array
    whole: Any = image
    picture = _of_array(filled(whole, axis=axis), axis, alpha, "the image")
    return picture, lambda made: masked_again(to_array(made), whole, axis=axis)


def measured(image: ImageLike, *, row: int | None = None, whole: bool = False) -> tuple[Picture, Back]:
    """Convert a measurement, an array, a tensor or a path; also return a function that converts the result back.

    ``row`` and ``whole`` are those of ``measurement``.

    Raises:
        PictureError: it is no usable measurement.
    """
    if isinstance(image, Picture):
        return image, lambda picture: picture
    if isinstance(image, str | Path):
        return read_measurement(image, row=row, whole=whole), lambda picture: picture
    if not isinstance(image, Tensor):
        return measurement(np.asarray(image), row=row, whole=whole), lambda made: made.to_array()
    device = image.device
    values = image.detach().cpu().numpy()
    return measurement(values, row=row, whole=whole), lambda made: as_tensor(made.to_array()).to(device)


def looks_like_alpha(plane: Samples) -> bool:
    """Whether a plane (H, W) looks like alpha (mostly clear or opaque, or smooth), unlike a near-infrared band."""
    full = full_scale(plane.dtype)
    if float((plane <= 0).mean() + (plane >= full).mean()) >= MOSTLY or min(plane.shape) < 3:
        return True
    values = plane.astype(float)
    bends = np.abs(values[1:-1] * 2 - values[2:] - values[:-2])
    return float(np.median(bends)) <= SMOOTH * full


def _of_array(array: NDArray[Any], axis: int, alpha: bool | None, name: str) -> Picture:
    """Convert an array to a picture; the fourth channel is alpha if it looks like it, unless ``alpha`` is given."""
    if alpha is None and array.ndim == 3 and -3 <= axis < 3 and array.shape[axis] == FEW and array.size:
        alpha = looks_like_alpha(np.take(array, -1, axis))
    return from_array(array, channel_axis=axis, alpha=alpha, name=name)


def array_of(image: ImageLike) -> NDArray[Any] | Path:
    """Return a mask as an array, or as a path if it is one."""
    if isinstance(image, str | Path):
        return Path(image)
    if isinstance(image, Tensor):
        return image.detach().cpu().squeeze().numpy()
    if isinstance(image, Picture):
        return to_array(image)
    return np.asarray(image)


def _refuse_doubt(shape: tuple[int, ...]) -> None:
    """Raise an error if the channel axis is ambiguous."""
    if shape[0] <= FEW and shape[2] > MANY:
        raise PictureError(
            f"the image of shape {shape} has its channels first, or very many channels: "
            "give channel_axis=0 or channel_axis=-1"
        )


def _of_tensor(tensor: Tensor, alpha: bool | None) -> tuple[Picture, Back]:
    """Convert a tensor (H, W), (C, H, W) or (1, C, H, W) from any device."""
    shape = tuple(tensor.shape)
    if len(shape) not in (2, 3, 4) or (len(shape) == 4 and shape[0] != 1):
        raise PictureError(
            f"the tensor has shape {shape}: give (H, W), (C, H, W) or (1, C, H, W), one picture at a time"
        )
    plain = tensor.detach().cpu()
    plain = plain.float() if plain.dtype.is_floating_point and plain.dtype.itemsize < 4 else plain
    array = plain[0].numpy() if len(shape) == 4 else plain.numpy()
    picture = _of_array(array, 0, alpha, "the tensor")

    def back(made: Picture) -> Tensor:
        found = as_tensor(to_array(made)).to(device=tensor.device, dtype=tensor.dtype)
        return found[None] if len(shape) == 4 else found

    return picture, back
