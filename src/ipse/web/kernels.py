"""k.npy ↦ a TIFF of floats: a blur kernel uploaded as a NumPy file, in a form that every task reads as a picture."""

import io

import numpy as np

from ipse.errors import OptionError, PictureError
from ipse.pictures import encode, from_array
from ipse.pictures.psf import psf_of

MAGIC = b"\x93NUMPY"
VALUES = 2**20  # maximum number of values in a kernel: 1024²


def as_picture(data: bytes, name: str) -> bytes:
    """Return the bytes of a file; of an .npy file, those of a picture of its kernel, whose largest value is white.

    Raises:
        PictureError: an .npy file that does not contain a kernel.
    """
    if not data.startswith(MAGIC):
        return data
    if len(data) > 16 * VALUES:  # the widest numbers have 16 bytes
        raise PictureError(
            f"{name}: has {len(data)} bytes; expected a kernel of at most {VALUES} values; crop it"
        )
    try:
        kernel = psf_of(np.load(io.BytesIO(data), allow_pickle=False), name=name)
    except OptionError as error:
        raise PictureError(str(error)) from None
    except (ValueError, EOFError, OSError) as error:
        raise PictureError(
            f"{name}: cannot be read ({error}); expected an array of numbers; save the kernel with numpy.save"
        ) from None
    return encode(from_array((kernel / kernel.max()).astype(np.float32), name=name), format="TIFF")
