"""y[t, c, z]: a stack of planes (Y, X) or (Y, X, S), which are read one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile

from ipse.errors import InputError, OptionError, PictureError
from ipse.pictures import Picture
from ipse.pictures.large.source import SHOWN, damaged
from ipse.pictures.large.zarr import array_in, said_in
from ipse.pictures.levels import Levels, Samples, levels_of
from ipse.pictures.read import DAMAGE

AXES = "TCZYX"
CLASSIC = 4 << 30  # uncompressed size in bytes from which a BigTIFF is written


@dataclass(frozen=True, eq=False)
class Stack:
    """A stack of planes.

    Attributes:
        name: name for messages.
        shape: shape of all samples, in the file's order.
        axes: one letter for each axis: T, C, Z, then Y, X, then S for interleaved colours.
        dtype: type of the samples.
        plane: number of a plane in the file's order → samples (H, W, S).
        format: "TIFF" or "ZARR".
        carried: metadata to write with the result: arguments of tifffile, or zarr's attributes.
        levels: the mapping from samples to pixels, for the whole stack.
    """

    name: str
    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype[Any]
    plane: Callable[[int], Samples]
    format: str
    carried: dict[str, Any] = field(default_factory=dict[str, Any])
    levels: Levels | None = None

    @property
    def samples(self) -> int:
        """Samples per pixel, S."""
        return self.shape[-1] if self.axes.endswith("S") else 1

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of a plane."""
        at = self.axes.index("Y")
        return self.shape[at], self.shape[at + 1]

    @property
    def outer(self) -> tuple[int, ...]:
        """The number of planes along each axis before Y."""
        return self.shape[: self.axes.index("Y")]

    @property
    def count(self) -> int:
        """The total number of planes."""
        return prod(self.outer)

    def measured(self) -> "Stack":
        """Return the stack with its levels determined: for 8 bits those of the type, otherwise the range of all planes.

        Raises:
            PictureError: samples that are not finite, or of a type that holds no real numbers.
        """
        if self.dtype.name in SHOWN:
            return replace(self, levels=levels_of(np.zeros(1, self.dtype), name=self.name))
        ends = [(found.min(), found.max()) for found in map(self.plane, range(self.count))]
        if not np.isfinite(np.array(ends, np.float64)).all():
            raise PictureError(
                f"{self.name}: samples are NaN or infinite; expected finite numbers; replace them"
            )
        low, high = float(min(low for low, _ in ends)), float(max(high for _, high in ends))
        return replace(self, levels=Levels(low, high - low or 1.0))

    def picture(self, samples: Samples) -> Picture:
        """Return samples (H, W, S) of one or several planes as a picture with the stack's levels."""
        count = samples.shape[2]
        model = "gray" if count == 1 else "rgb" if count == self.samples == 3 else "channels"
        colours = samples[..., 0] if count == 1 else samples
        return Picture(colours, model=model, levels=self.levels, name=self.name)


def opened_stack(path: Path, *, axes: str | None = None) -> Stack | None:
    """Open a stack and determine its levels, which reads all samples; see ``found_stack``."""
    found = found_stack(path, axes=axes)
    return None if found is None else found.measured()


def found_stack(path: Path, *, axes: str | None = None) -> Stack | None:
    """Open a stack by its header; None if neither the file nor ``axes`` describes a stack.

    Args:
        path: a TIFF file or a zarr folder.
        axes: its axes in the file's order; None uses those of OME, ImageJ or tifffile.

    Raises:
        OptionError: the axes do not match the shape.
        PictureError: the file is damaged, or not a stack.
    """
    if axes is not None and not path.exists():
        raise PictureError(f"{path}: no such file; expected a stack; check the path")
    try:
        found = _zarr(path, axes) if path.suffix.lower() == ".zarr" else _tiff(path, axes)
    except InputError:
        raise
    except DAMAGE as error:
        if axes is None:  # reading it as a picture will report the error
            return None
        raise damaged(str(path), error) from None
    return found


def check_axes(axes: str, shape: tuple[int, ...], name: str) -> str:
    """Return the axes in upper case, checked against the shape.

    Raises:
        OptionError: they do not match; the message gives both.
    """
    told = axes.upper()
    inner = told.removesuffix("S")
    if len(told) != len(shape) or set(inner) - set(AXES) or len(set(told)) != len(told) or inner[-2:] != "YX":
        raise OptionError(
            f"{name}: has shape {'×'.join(map(str, shape))}, to which axes {axes!r} do not fit: give {len(shape)} "
            f"letters of T, C, Z in the file's order, then YX (and S for interleaved colours)"
        )
    return told


def _zarr(path: Path, axes: str | None) -> Stack | None:
    array, known = array_in(path)
    shape = tuple(int(side) for side in array.shape)
    told = check_axes(axes or known, shape, str(path))
    if axes is None and not any(side > 1 for axis, side in zip(told, shape, strict=True) if axis in "TZ"):
        return None
    outer = shape[: told.index("Y")]

    def plane(index: int) -> Samples:
        found = np.asarray(array[np.unravel_index(index, outer)])
        return found.reshape(*shape[told.index("Y") :][:2], -1)

    said = said_in(path) if told == known else {}
    return Stack(str(path), shape, told, np.dtype(array.dtype), plane, "ZARR", said)


def _tiff(path: Path, axes: str | None) -> Stack | None:
    with tifffile.TiffFile(path) as tif:
        series = tif.series[0]
        shape, known = tuple(int(side) for side in series.shape), str(series.axes)
        if axes is None and not (tif.is_ome or tif.is_imagej or tif.is_shaped) and len(tif.pages) > 1:
            return None  # pages without a description may be anything
        if axes is None and (set(known) - {*AXES, "S"} or not set(known) & set("TZC") or "YX" not in known):
            return None
        told = check_axes(axes or known, shape, str(path))
        if known.endswith("S") != told.endswith("S"):
            raise OptionError(
                f"{path}: has axes {known}, S being its interleaved colours; --axes {axes} does not fit: "
                f"S must be in both, or in neither"
            )
        if len(tif.series) > 1:
            raise PictureError(f"{path}: holds {len(tif.series)} stacks; expected one; save each separately")
        carried = _carried(tif, told)
        dtype = np.dtype(series.dtype).newbyteorder("=")
        end = max((sum(ends) for page in tif.pages for ends in _places(page)), default=0)
        end = end if series.dataoffset is None else max(end, series.dataoffset + series.nbytes)
        if end > tif.filehandle.size:
            raise damaged(str(path), f"its data end at byte {end}, the file at {tif.filehandle.size}")
    inner = shape[told.index("Y") :]

    def plane(index: int) -> Samples:
        return _plane(path, index, inner).astype(dtype, copy=False)

    return Stack(str(path), shape, told, dtype, plane, "TIFF", carried)


def _places(page: Any) -> Iterator[tuple[int, int]]:
    return zip(page.dataoffsets, page.databytecounts, strict=True)


def _plane(path: Path, index: int, inner: tuple[int, ...]) -> Samples:
    """Read one plane from its page, or from a page or series that contains several."""
    try:
        with tifffile.TiffFile(path) as tif:
            series = tif.series[0]
            if series.dataoffset is not None:
                length = prod(inner)
                start = series.dataoffset + index * length * series.dtype.itemsize
                kind = np.dtype(series.dtype).newbyteorder(tif.byteorder)
                return np.fromfile(path, kind, length, offset=start).reshape(*inner[:2], -1)
            page = cast("tifffile.TiffPage", series.pages[0])
            each = prod(page.shape) // prod(inner)
            pages = cast("Any", series.pages)
            whole = np.asarray(pages[index // each].asarray()).reshape(each, *inner[:2], -1)
            return whole[index % each]
    except DAMAGE as error:
        raise damaged(str(path), error) from None


def _carried(tif: tifffile.TiffFile, axes: str) -> dict[str, Any]:
    """The arguments of tifffile that preserve the stack's description."""
    page = cast("tifffile.TiffPage", tif.pages[0])
    colours = {"photometric": "rgb" if axes.endswith("S") and int(page.photometric) == 2 else "minisblack"}
    if tif.is_ome and tif.ome_metadata:
        said = tif.ome_metadata.encode()  # unchanged, since pages are written in the same order
        return colours | {"description": said, "metadata": None, "compression": "zlib"}
    if tif.is_imagej:
        told = {key: value for key, value in (tif.imagej_metadata or {}).items() if key != "ImageJ"}
        return colours | {"imagej": True, "metadata": told | {"axes": axes}} | _resolution(page)
    return colours | {"metadata": {"axes": axes}, "compression": "zlib"} | _resolution(page)


def _resolution(page: tifffile.TiffPage) -> dict[str, Any]:
    """The resolution in pixels per unit, which is ImageJ's calibration."""
    tags = [page.tags.get(number) for number in (282, 283)]
    if None in tags:
        return {}
    unit = page.tags.get(296)
    x, y = (tag.value for tag in tags if tag is not None)
    return {"resolution": (x, y), "resolutionunit": 1 if unit is None else int(unit.value)}
