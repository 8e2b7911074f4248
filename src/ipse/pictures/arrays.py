"""array ↔ bytes: NumPy's own format, without pickles; and bytes that have a name."""

import io
from dataclasses import replace

import numpy as np

from ipse.errors import PictureError
from ipse.pictures.picture import Picture

NUMPY = b"\x93NUMPY"


class Named(io.BytesIO):
    """Bytes in memory with a name for error messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def read_array(data: bytes, name: str) -> Picture:
    """The picture in an .npy file.

    Raises:
        PictureError: it is damaged, or no picture.
    """
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, MemoryError, SyntaxError) as error:
        said = (str(error).splitlines() or ["?"])[0]
        raise PictureError(
            f"{name}: is damaged or cut short ({said}); expected a whole file; copy it again"
        ) from None
    return replace(Picture.from_array(array, name=name), format="NPY")


def encode_array(picture: Picture) -> bytes:
    """The bytes of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, picture.to_array())
    return stream.getvalue()
