"""x = (s − offset) / gain: conversion between stored samples s and pixels x in [0, 1].

Unsigned 8- and 16-bit integers and booleans are display levels: offset 0, gain the full scale of the type, or of the
10, 12 or 14 bits that all samples of a 16-bit picture keep to, as those of cameras, microscopes and radiographs do.
Floats already inside [0, 1] are pixels. All others (signed, wider or beyond [0, 1]) are measurements, whose
type says nothing about their range: the affine map of their own range is recorded, so that it can be undone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ipse.errors import PictureError

Samples = NDArray[Any]
Pixels = NDArray[np.float32]

DEPTHS = (8, 10, 12, 14, 16)  # bits


@dataclass(frozen=True)
class Levels:
    """The affine map between samples and pixels; ``gain`` > 0, both in units of the samples."""

    offset: float = 0.0
    gain: float = 1.0

    def pixels(self, samples: Samples) -> Pixels:
        """Map samples of any shape to float32 in [0, 1]."""
        if samples.dtype.name in (
            "uint8",
            "uint16",
        ):  # few levels: a lookup table is fast and small
            return self._map(np.arange(np.iinfo(samples.dtype).max + 1))[samples]
        return self._map(samples)

    def _map(self, samples: Samples) -> Pixels:
        # Computed in float64, since dividing in float32 adds a rounding error that matters for 16-bit levels.
        return ((samples.astype(np.float64) - self.offset) / self.gain).astype(np.float32)

    def samples(self, pixels: NDArray[np.floating[Any]], dtype: np.dtype[Any]) -> Samples:
        """Map pixels to samples of ``dtype``: clipped to [0, 1], integers rounded to the nearest level."""
        # float32 is exact to a hundredth of a level for 8 and 16 bits; wider types need float64.
        work = np.float32 if dtype.kind in "iu" and dtype.itemsize <= 2 else np.float64
        inside = np.clip(pixels.astype(work), 0.0, 1.0)
        if dtype.kind == "b":
            return inside >= 0.5
        values = inside * work(self.gain) + work(self.offset)
        if dtype.kind == "f":
            return values.astype(dtype)
        low, high = _bounds(dtype)
        return np.clip(np.rint(values), low, high).astype(dtype)


def _bounds(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Limits of an integer type as floats that can be cast back without overflow."""
    info = np.iinfo(dtype)
    high = float(info.max)
    return float(info.min), float(np.nextafter(high, 0.0)) if int(high) > info.max else high


def full_scale(dtype: np.dtype[Any]) -> float:
    """Return the full scale of a type: 255, 65535, 1 for floats and booleans."""
    return float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0


def depth_scale(largest: float) -> float:
    """The full scale of the smallest common bit depth that contains the largest sample of a 16-bit picture."""
    return next(float(2**bits - 1) for bits in DEPTHS if largest < 2**bits)


def unpacked(array: Samples, bits: int) -> Samples:
    """Scale samples with fewer bits than their type to the full range of the type, as viewers expect."""
    if array.dtype.kind != "u" or array.dtype.itemsize > 2 or bits >= 8 * array.dtype.itemsize:
        return array
    levels = np.rint(np.arange(2**bits) * (full_scale(array.dtype) / (2**bits - 1))).astype(array.dtype)
    return levels[np.minimum(array, 2**bits - 1)]


def levels_of(samples: Samples, *, name: str) -> Levels:
    """Choose the map for these samples.

    Raises:
        PictureError: the type is not real, there are no samples, or samples are NaN or infinite.
    """
    if samples.dtype.kind not in "biuf":
        raise PictureError(
            f"{name}: samples of type {samples.dtype} are not supported; give integers, floats or booleans"
        )
    if samples.size == 0:
        raise PictureError(f"{name}: a picture of shape {samples.shape} has no pixels; give at least 1×1")
    if samples.dtype.name in ("bool", "uint8"):
        return Levels(0.0, full_scale(samples.dtype))
    if samples.dtype.name == "uint16":
        return Levels(0.0, depth_scale(float(samples.max())))
    if samples.dtype.kind == "f":
        _all_finite(samples, name)
    low, high = float(samples.min()), float(samples.max())
    if samples.dtype.kind == "f" and low >= 0.0 and high <= 1.0:
        return Levels()
    gain = high - low
    if not np.isfinite(gain):
        raise PictureError(
            f"{name}: samples from {low:g} to {high:g} are too far apart; scale them towards [0, 1]"
        )
    return Levels(low, gain or 1.0)


def _all_finite(samples: Samples, name: str) -> None:
    bad = int(samples.size - np.count_nonzero(np.isfinite(samples)))
    if bad:
        raise PictureError(
            f"{name}: {bad} of {samples.size} samples are NaN or infinite; expected finite numbers; "
            "replace them first (and mark them in a mask to have them filled)"
        )


def resized(plane: Samples, height: int, width: int, *, smooth: bool) -> Samples:
    """Resize a plane of samples (H, W) by Lanczos, within its range; if not ``smooth``, by nearest neighbour."""
    kind = Image.Resampling.LANCZOS if smooth else Image.Resampling.NEAREST
    values = np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), kind))
    low, high = (float(plane.min()), float(plane.max())) if plane.size else (0.0, full_scale(plane.dtype))
    values = np.clip(values, low, high)
    if plane.dtype.kind == "b":
        return values >= 0.5
    return (np.rint(values) if plane.dtype.kind in "iu" else values).astype(plane.dtype)
