"""k(q) ≥ 0, Σ k = 1: read a point spread function from a picture of the kernel, an .npy or an .npz file."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipse.errors import OptionError
from ipse.pictures.files import read_bytes
from ipse.pictures.read import read

NUMPY = {".npy", ".npz"}
NAMES = ("psf", "kernel", "k")  # names of the array in an .npz file with several


def read_psf(source: str | Path) -> NDArray[np.float64]:
    """Read a point spread function and normalise its sum to 1.

    Args:
        source: a picture of it (its channels are averaged), an .npy file, or an .npz file with one array or one named
            psf, kernel or k.

    Returns:
        (K, L), its centre at (⌊K/2⌋, ⌊L/2⌋).

    Raises:
        PictureError: the file cannot be read.
        OptionError: it does not contain a point spread function.
    """
    path = Path(source)
    values = _array(path) if path.suffix.lower() in NUMPY else read(path).pixels.mean(axis=0)
    return psf_of(values, name=str(path))


def psf_of(array: ArrayLike, *, name: str = "the psf") -> NDArray[np.float64]:
    """Check a point spread function (K, L) and normalise its sum to 1.

    Raises:
        OptionError: it is not two-dimensional, has negative or infinite values, or no value above 0.
    """
    values = np.asarray(array)
    if values.dtype.kind not in "biuf":
        raise OptionError(
            f"{name} holds {values.dtype} values; expected numbers: give the kernel as an array"
        )
    values = values.astype(np.float64).squeeze() if values.ndim > 2 else values.astype(np.float64)
    if values.ndim != 2 or not values.size:
        raise OptionError(
            f"{name} has shape {values.shape}; expected (K, L): give one kernel of two dimensions"
        )
    if not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        low, high = values.min(), values.max()
        raise OptionError(
            f"{name} has values from {low:g} to {high:g}; expected none below 0, not all 0: give the kernel itself"
        )
    return values / values.sum()


def _array(path: Path) -> NDArray[np.generic]:
    """The array in an .npy or .npz file, without unpickling."""
    read_bytes(path)  # raises the usual error for a path that cannot be read
    try:
        held = np.load(path, allow_pickle=False)
        if isinstance(held, np.ndarray):
            return held
        with held:
            named = [name for name in NAMES if name in held.files]
            if not named and len(held.files) != 1:
                raise OptionError(
                    f"{path} holds {len(held.files)} arrays ({', '.join(held.files)}): name the kernel's psf"
                )
            return held[named[0] if named else held.files[0]]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(f"{path} is not a NumPy file ({error}): save the kernel with numpy.save") from error
