"""y, as an instrument wrote it: floats in a unit of their own, real or complex, with the geometry beside them.

A ``Measurement`` is a picture whose samples are no levels of brightness: ``pixels`` are the samples themselves. What
is reconstructed from it is one too. A complex sample is two channels, its real and its imaginary part. NaN is a gap.

HDF5 files are read as synchrotrons write them (De Carlo et al., "Scientific data exchange", 2014,
https://doi.org/10.1107/S160057751401604X): /exchange/data (views, rows, elements), data_white, data_dark, and theta.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ipse.errors import PictureError
from ipse.pictures.arrays import NUMPY, Named
from ipse.pictures.files import Source, read_bytes
from ipse.pictures.levels import Levels, Samples
from ipse.pictures.picture import Flags, Picture
from ipse.pictures.read import read

NAMES = ("measurement", "sinogram", "kspace", "data", "y")  # of the array in an .npz file with several
BESIDE = ("angles", "theta", "mask", "coils")  # of its geometry in the same file
HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
AXES = "(views, elements) or (views, rows, elements) of projections; (H, W) or (coils, H, W) of a complex k-space"
FAINT = 1e-6  # smallest transmission, whose logarithm is finite


@dataclass(frozen=True, eq=False)
class Measurement(Picture):
    """A measurement, or a picture reconstructed from one, in floats.

    Attributes:
        complex: whether channels are pairs of a real and an imaginary part.
        geometry: arrays that the same file holds: angles in degrees, mask, coils.
        gaps: where the samples were NaN, in their shape, or None; there they are what lies between their neighbours.
        shape: that of the array as it came, without leading ones.
    """

    levels: Levels | None = field(default_factory=Levels)
    complex: bool = False
    geometry: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])
    gaps: NDArray[np.bool_] | None = None
    shape: tuple[int, ...] = ()

    def crop(self, rows: slice, columns: slice) -> "Measurement":
        """The whole: a part of a measurement is not one of a part of the picture."""
        del rows, columns
        return self

    def like(self, pixels: NDArray[np.floating[Any]], *, keep: Flags | None = None) -> "Measurement":
        """A picture (C, H, W) in floats; two channels are one that is complex, if the measurement is.

        Raises:
            PictureError: a pixel is not finite.
        """
        del keep
        if not np.isfinite(pixels).all():
            raise PictureError(
                f"{self.name}: reconstructed pixels hold NaN or infinity; expected finite numbers"
            )
        values = np.ascontiguousarray(np.moveaxis(pixels, 0, -1), np.float32)
        samples = values[..., 0] if values.shape[2] == 1 else values
        return replace(self, samples=samples, model=model(samples), geometry={}, gaps=None)

    def to_array(self) -> Samples:
        """(H, W), or (H, W, C): float32 or complex64."""
        return joined(self.samples) if self.complex else self.samples

    @property
    def view(self) -> NDArray[np.float32]:
        """What is shown of it, ≥ 0: (H, W), or (H, W, 3) of three real channels; of others, the magnitude of all."""
        if self.samples.ndim == 2 or (self.channels == len("RGB") and not self.complex):
            return self.samples - self.samples.min().clip(max=0)
        return np.sqrt(np.square(self.samples).sum(-1))


def model(samples: Samples) -> str:
    """The colour model of samples."""
    return "gray" if samples.ndim == 2 else "channels"


def joined(samples: Samples) -> Samples:
    """Pairs of channels (H, W, 2 C) as complex numbers (H, W, C), or (H, W) if there is one pair."""
    found = np.ascontiguousarray(samples, np.float32).view(np.complex64)
    return found[..., 0] if found.shape[-1] == 1 else found


def measurement(
    array: ArrayLike,
    *,
    row: int | None = None,
    whole: bool = False,
    geometry: Mapping[str, NDArray[Any]] | None = None,
    name: str = "the measurement",
) -> Measurement:
    """Make a measurement from an array.

    Args:
        array: real projections (views, elements) or (views, rows, elements), of which ``row`` is taken; or a complex
            k-space (H, W) or (coils, H, W). NaN is what was not measured.
        row: the row of the detector; by default the middle one.
        whole: whether the array is what an operator measures: of any axes, of which the last two are kept apart.
        geometry: what belongs to it.
        name: for messages.

    Raises:
        PictureError: another number of axes, no numbers, infinity, or nothing but NaN.
    """
    values = np.asarray(array)
    if values.dtype.kind not in "biufc" or not values.size or not (whole or values.ndim in (2, 3)):
        raise PictureError(f"{name}: {values.dtype} of shape {values.shape}; expected {AXES}")
    shape = without_ones(values.shape)
    if whole:
        values = values.reshape(-1, *(1, 1, *shape)[-2:])
    elif values.dtype.kind != "c":
        values = values[None] if values.ndim == 2 else values[None, :, row_of(row, values.shape[1], name)]
    else:
        values = values.reshape(-1, *values.shape[-2:])
    values, gaps = filled(values, name)
    values, gaps = np.moveaxis(values, 0, -1), None if gaps is None else np.moveaxis(gaps, 0, -1)
    paired = values.dtype.kind == "c"
    if paired:
        values = np.ascontiguousarray(values, np.complex64).view(np.float32)
        gaps = None if gaps is None else gaps.repeat(2, -1)
    samples = np.ascontiguousarray(values, np.float32)
    samples = samples[..., 0] if samples.shape[2] == 1 else samples
    return Measurement(
        samples, model=model(samples), complex=paired, geometry=geometry or {}, name=name, format="NPY",
        gaps=None if gaps is None else gaps.reshape(samples.shape), shape=shape,
    )  # fmt: skip


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its leading ones."""
    while len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape


def filled(values: NDArray[Any], name: str) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Samples (C, H, W) with NaN as what lies between its neighbours in its row, and where it was.

    Raises:
        PictureError: a sample is infinite, or none is a number.
    """
    gaps = np.isnan(values)
    bad = int(values.size - np.count_nonzero(np.isfinite(values) | gaps))
    if bad or gaps.all():
        said = f"{bad} of {values.size} samples are infinite" if bad else "all samples are NaN"
        raise PictureError(
            f"{name}: {said}; expected finite numbers, and NaN where nothing was measured: replace them, "
            "or leave out the views or lines that hold them"
        )
    if not gaps.any():
        return values, None
    values, usual = values.copy(), values[~gaps].mean()
    for row, gap in zip(
        values.reshape(-1, values.shape[-1]), gaps.reshape(-1, values.shape[-1]), strict=True
    ):
        row[gap] = np.interp(np.flatnonzero(gap), np.flatnonzero(~gap), row[~gap]) if not gap.all() else usual
    return values, gaps


def row_of(row: int | None, rows: int, name: str) -> int:
    """The row of the detector that was asked for, or the middle one.

    Raises:
        PictureError: there is no such row.
    """
    if row is not None and not 0 <= row < rows:
        raise PictureError(f"{name}: row {row} is none of its {rows}: give 0 to {rows - 1}")
    return rows // 2 if row is None else row


def read_measurement(source: Source, *, row: int | None = None, whole: bool = False) -> Measurement:
    """Read a measurement: .npy, .npz, HDF5, or a picture such as a TIFF of a sinogram; see ``measurement``.

    Raises:
        PictureError: there is none, or none that can be used.
    """
    data, name = read_bytes(source)
    if data.startswith(HDF5):
        return of_hdf5(data, row=row, name=name)
    if not data.startswith((NUMPY, ZIP)):
        picture = read(Named(data, name))
        array = picture.to_array()
        array = np.moveaxis(array, -1, 0) if whole and array.ndim == 3 else array
        return replace(measurement(array, row=row, whole=whole, name=name), format=picture.format)
    try:
        held = np.load(io.BytesIO(data), allow_pickle=False)
        arrays = {NAMES[0]: held} if isinstance(held, np.ndarray) else {key: held[key] for key in held.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, SyntaxError) as error:
        said = (str(error).splitlines() or ["?"])[0]
        raise PictureError(
            f"{name}: is no whole NumPy file ({said}): save the measurement with numpy.save"
        ) from None
    beside = {key: arrays.pop(key) for key in BESIDE if key in arrays and len(arrays) > 1}
    known = next((key for key in NAMES if key in arrays), None)
    if known is None and len(arrays) != 1:
        raise PictureError(
            f"{name}: holds {', '.join(arrays) or 'nothing'}; expected one array, or one named {NAMES[0]}"
        )
    found = arrays[known or next(iter(arrays))]
    return measurement(found, row=row, whole=whole, geometry=beside, name=name)


def of_hdf5(data: bytes, *, row: int | None, name: str) -> Measurement:
    """One row of the projections in an HDF5 file: −log((data − dark) / (white − dark)).

    Raises:
        PictureError: h5py is not installed, or the file holds no such projections.
    """
    try:
        import h5py  # pyright: ignore[reportMissingImports]  # an optional package
    except ImportError:
        raise PictureError(f"{name}: is HDF5, which h5py reads: pip install 'ipse[scans]'") from None
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            held: Any = file["exchange"]
            at = row_of(row, held["data"].shape[1], name)
            parts = {
                key: np.asarray(held[key][:, at], np.float64)
                for key in ("data", "data_white", "data_dark")
                if key in held
            }
            theta = np.asarray(held["theta"], np.float64) if "theta" in held else None
            unit = held["theta"].attrs.get("units", b"") if theta is not None else b""
    except (OSError, KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        raise PictureError(
            f"{name}: holds no projections ({error}); expected /exchange/data (views, rows, elements)"
        ) from None
    dark = parts["data_dark"].mean(0) if "data_dark" in parts else 0.0
    seen = parts["data"] - dark
    if "data_white" in parts:
        seen = seen / np.maximum(parts["data_white"].mean(0) - dark, FAINT)
        seen = -np.log(np.maximum(seen, FAINT))
    geometry: dict[str, NDArray[Any]] = {}
    if theta is not None and len(theta) == len(seen):
        geometry["angles"] = np.rad2deg(theta) if b"rad" in np.bytes_(unit) else theta
    return measurement(seen, geometry=geometry, name=name)
