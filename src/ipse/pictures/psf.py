"""k(q) ≥ 0, Σ k = 1: a point spread function, read from a picture, an .npy or an .npz file, or drawn from its shape."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipse.errors import OptionError
from ipse.pictures.files import read_bytes
from ipse.pictures.read import read

NUMPY = {".npy", ".npz"}
NAMES = ("psf", "kernel", "k")  # names of the array in an .npz file with several
FINE = 16  # points per pixel, down and across, of a kernel that is drawn


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


def disc(radius: float) -> NDArray[np.float64]:
    """The kernel of a lens out of focus: a disc with a radius in pixels."""
    grid = _grid(radius, radius)
    return _binned(grid[:, np.hypot(*grid) <= radius])


def line(length: float, angle: float) -> NDArray[np.float64]:
    """The kernel of straight motion over ``length`` pixels; ``angle`` in degrees, 0 to the right and 90 upwards."""
    along, aside = _grid(length / 2, 0.5)
    turn = np.deg2rad(angle)
    right, up = np.cos(turn), np.sin(turn)
    return _binned(np.stack([-along * up - aside * right, along * right - aside * up]))


def _grid(half: float, thick: float) -> NDArray[np.float64]:
    """Points (2, N), evenly within ± half and ± thick."""
    counts = (max(1, round(2 * half * FINE)), max(1, round(2 * thick * FINE)))
    axes = [size * ((np.arange(n) + 0.5) / n * 2 - 1) for size, n in zip((half, thick), counts, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij")).reshape(2, -1)


def _binned(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the points (2, N) in each pixel, about the middle of a kernel with odd sides."""
    reach = [int(np.ceil(np.abs(axis).max(initial=0) - 0.5 - 1e-9)) for axis in points]
    edges = [np.arange(-r - 0.5, r + 1) for r in reach]
    inside = [axis.clip(-r - 0.5 + 1e-9, r + 0.5 - 1e-9) for axis, r in zip(points, reach, strict=True)]
    counts, *_ = np.histogram2d(*inside, bins=edges)
    return counts / counts.sum()


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
